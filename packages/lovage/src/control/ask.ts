/** Asks nodes by remote control and gathers what they answer in time; Python's nodes too, where the link reaches them. */
import { randomUUID } from "node:crypto";
import type { ControlLink } from "./control-link.ts";
import { decodeReply, encodeRequest } from "./pidbox.ts";

export interface Question {
  readonly method: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Node names; absent: all. */
  readonly destination?: readonly string[];
  /** Milliseconds to wait for answers, once it is asked. @defaultValue 1000, as Celery's */
  readonly timeoutMs?: number;
  /** Stop waiting after so many answers. @defaultValue the number of destinations */
  readonly limit?: number;
}

/** Node name → its answer. Nodes that are silent are not in it. */
export async function ask(link: ControlLink, question: Question): Promise<Readonly<Record<string, unknown>>> {
  const { method, destination, timeoutMs = 1000 } = question;
  const limit = question.limit ?? destination?.length ?? Number.POSITIVE_INFINITY;
  const oid = randomUUID();
  const ticket = randomUUID();
  const answers: Record<string, unknown> = {};
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const replies = await link.replies(oid, abort.signal);
    const request = {
      method,
      arguments: question.arguments ?? {},
      destination: destination ?? null,
      pattern: null,
      matcher: null,
      ticket,
      replyTo: oid,
      clock: 1,
    };
    await link.broadcast(encodeRequest(request, Date.now() + timeoutMs));
    // Not before: a connection that has to be made first is no part of a node's time to answer.
    timer = setTimeout(() => abort.abort(), timeoutMs);
    for await (const bytes of replies) {
      const reply = readReply(bytes);
      if (reply?.ticket === ticket) Object.assign(answers, reply.replies);
      if (Object.keys(answers).length >= limit) break;
    }
    return answers;
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

function readReply(bytes: Uint8Array) {
  try {
    return decodeReply(bytes);
  } catch {
    return null;
  }
}
