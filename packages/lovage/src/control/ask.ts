/** Asks nodes by remote control and gathers what they answer in time, or only tells them; Python's nodes too, where the link reaches them. */
import { randomUUID } from "node:crypto";
import type { ControlLink } from "./control-link.ts";
import { decodeReply, encodeRequest } from "./pidbox.ts";

export interface Told {
  readonly method: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Node names; absent: all, or those that match `pattern`. */
  readonly destination?: readonly string[];
  /** Of node names: like a file's (`glob`, the default), or a regular expression that fits from the start (`pcre`). */
  readonly pattern?: string;
  readonly matcher?: "glob" | "pcre";
}

export interface Question extends Told {
  /** Milliseconds to wait for answers, once it is asked. @defaultValue 1000, as Celery's */
  readonly timeoutMs?: number;
  /** Stop waiting after so many answers. @defaultValue as many as heard the question, where the link knows, or as `destination` names */
  readonly limit?: number;
  /** Hears of each answer as it comes. */
  readonly onReply?: (node: string, answer: unknown) => void;
}

/** Node name → its answer. Nodes that are silent are not in it. */
export async function ask(link: ControlLink, question: Question): Promise<Readonly<Record<string, unknown>>> {
  const { destination, timeoutMs = 1000, limit = Number.POSITIVE_INFINITY, onReply } = question;
  const caller = { replyTo: randomUUID(), ticket: randomUUID() };
  const answers: Record<string, unknown> = {};
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let asked = false;
  const replies = await link.replies(caller.replyTo, abort.signal);
  try {
    const heard = await link.broadcast(encodeRequest(requestOf(question, caller), Date.now() + timeoutMs));
    asked = true;
    let missing = Math.min(limit, destination?.length ?? limit, heard ?? limit);
    // Not before: a connection that has to be made first is no part of a node's time to answer.
    timer = setTimeout(() => abort.abort(), timeoutMs);
    if (missing <= 0) abort.abort();
    for await (const bytes of replies) {
      const reply = readReply(bytes);
      if (reply?.ticket !== caller.ticket) continue;
      Object.assign(answers, reply.replies);
      for (const [node, answer] of Object.entries(reply.replies)) onReply?.(node, answer);
      missing -= 1;
      if (missing <= 0) break;
    }
    return answers;
  } finally {
    clearTimeout(timer);
    abort.abort();
    // What was not begun has yet to clean up.
    if (!asked) await replies[Symbol.asyncIterator]().next();
  }
}

/** Nobody answers. How many heard it; undefined: nobody can tell. */
export function tell(link: ControlLink, told: Told): Promise<number | undefined> {
  return link.broadcast(encodeRequest(requestOf(told, { replyTo: null, ticket: null }), 0));
}

function requestOf(told: Told, caller: { readonly replyTo: string | null; readonly ticket: string | null }) {
  const { method, destination = null, pattern = null, matcher = "glob" } = told;
  return { method, arguments: told.arguments ?? {}, destination, pattern, matcher: pattern === null ? null : matcher, ...caller, clock: 1 };
}

function readReply(bytes: Uint8Array) {
  try {
    return decodeReply(bytes);
  } catch {
    return null;
  }
}
