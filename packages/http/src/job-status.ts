/** `GET /status/:id`: the job with a strong ETag; asked to wait, it answers when the job has changed, led by the job's log. */
import { setTimeout as sleep } from "node:timers/promises";
import { isNamed, tagOf } from "./entity-tag.ts";
import type { JobService } from "./job-service.ts";
import { isEnded } from "./job-view.ts";
import { linkedSignal } from "./linked-signal.ts";
import { type Call, jobId } from "./route.ts";

const longestWaitSeconds = 60;
/** What the log does not tell (a task begins, the line before it moves) is looked for this often. */
const lookAgainMs = 3000;

interface Seen {
  readonly body: string;
  readonly etag: string;
  readonly ended: boolean;
}

export async function jobStatus(call: Call): Promise<Response> {
  const { service, request } = call;
  const id = jobId(call);
  const known = request.headers.get("if-none-match");
  const seconds = Math.min(longestWaitSeconds, Number(call.context.req.query("wait") ?? 0));
  const seen = seconds > 0 ? await waited(call, id, known, seconds) : await look(service, id);
  const headers = { etag: seen.etag, "cache-control": "private, no-cache" };
  if (isNamed(seen.etag, known)) return new Response(null, { status: 304, headers });
  return new Response(seen.body, { headers: { ...headers, "content-type": "application/json" } });
}

async function look(service: JobService, id: string): Promise<Seen> {
  const view = await service.view(id);
  const body = JSON.stringify(view);
  return { body, etag: tagOf(body), ended: isEnded(view) };
}

async function waited({ service, request, closing }: Call, id: string, known: string | null, seconds: number): Promise<Seen> {
  const until = linkedSignal(request.signal, closing);
  const timer = setTimeout(() => until.end(), 1000 * seconds);
  try {
    return await whenChanged(service, id, known, until.signal);
  } finally {
    clearTimeout(timer);
    until.end();
  }
}

/** As it stands when it differs from what `known` names, or, with nothing known, from what it is now; when `until` aborts, as it is then. */
async function whenChanged(service: JobService, id: string, known: string | null, until: AbortSignal): Promise<Seen> {
  let position = await service.lastEntry(id);
  const first = await look(service, id);
  const hasChanged = ({ etag, ended }: Seen) => ended || (known === null ? etag !== first.etag : !isNamed(etag, known));
  let seen = first;
  while (!hasChanged(seen) && !until.aborted) {
    position = await nextEntry(service, id, position, until);
    seen = await look(service, id);
  }
  return seen;
}

/** The next entry's id, or `position` when there was none for a while. */
async function nextEntry(service: JobService, id: string, position: string, until: AbortSignal): Promise<string> {
  const { signal, end } = linkedSignal(until);
  const pause = sleep(lookAgainMs, position, { signal }).catch(() => position);
  const first = async () => {
    for await (const entry of service.follow(id, position, signal)) return entry.id;
    return pause;
  };
  try {
    return await Promise.race([first(), pause]);
  } finally {
    end();
  }
}
