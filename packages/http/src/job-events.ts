/**
 * What happens to a job, one event after the other, as both transports send it. Each that comes from the job's log carries the
 * log's id: whoever comes back names the last one and gets what came after it, each once and in order. Nothing is read ahead
 * of the one who asks, so a slow client holds up nobody and fills no memory.
 */
import type { ProgressEntry } from "lovage";
import type { LogEntry } from "lovage/adapters";
import { asJobError } from "./job-error.ts";
import type { JobService } from "./job-service.ts";
import { isEnded, type JobStatus, type JobView } from "./job-view.ts";
import { linkedSignal } from "./linked-signal.ts";
import { progressOf } from "./pipeline.ts";

/**
 * `status`: the job as it stands. `progress`: `job_id`, `status`, `progress`, `step`, perhaps `cancelling`. `end`: the job as it ended. `gap`: what
 * came next was forgotten before it could be sent. `error`: `code`, `message`; nothing follows. Any other name has a dot: a task
 * emitted it, and `data` is the task's own.
 */
export interface JobEvent {
  /** Its place in the job's log. Absent: it has none there. */
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

export type JobEvents = AsyncGenerator<JobEvent, boolean, void>;

/** As the stores number the entries of a log. */
const idForm = /^(\d{16}|\d{15}-\d{10})$/;

/** Whether events may be asked for after it; "": all of them. Ids are compared as text, so any other would silently be before or after all. */
export const isEventId = (after: string): boolean => after === "" || idForm.test(after);

/** What a task said; with a type: what happened to the job. */
type Line = ProgressEntry & { readonly type?: string };

/** What the log said up to an event. */
interface Fold {
  readonly lines: Line[];
  begun: boolean;
  cancelling: boolean;
}

/** As many as the log keeps. */
const linesKept = 500;
/** Who takes an event later than this may have missed what the log has forgotten meanwhile. */
const lateMs = 1000;
/** How often a job is looked at whose log says nothing: a service that was killed may have left its end out of the log. */
const lookMs = 15_000;
/** The end of a job stands in its record a moment before it stands in its log. */
const endWithinMs = 5000;

/**
 * Ends after `end` or `error`, when one of `ends` aborts, and when the service closes. Never throws.
 * @param first the job as it was just read
 * @param after the id of an event: those after it. "": a `status`, then all that are kept
 * @returns whether the job has ended, also when its `end` was not after `after`
 */
export async function* jobEvents(service: JobService, first: JobView, after: string, ...ends: readonly AbortSignal[]): JobEvents {
  const until = linkedSignal(...ends);
  try {
    if (after === "") yield { event: "status", data: first };
    return yield* sinceLast(service, first, after, until.signal);
  } catch (error) {
    const { code, message } = asJobError(error);
    yield { event: "error", data: { code, message } };
    return false;
  } finally {
    until.end();
  }
}

async function* sinceLast(service: JobService, first: JobView, after: string, signal: AbortSignal): JobEvents {
  const before: Fold = { lines: [], begun: false, cancelling: false };
  let folded = "";
  let last = after;
  // Once more from what is kept, as often as the client was late.
  for (let late = true; late; ) {
    late = false;
    let isKept = last === "";
    for await (const entry of entriesUntilEnd(service, first, signal)) {
      if (entry === "ended") {
        yield { event: "end", data: await service.view(first.job_id) };
        return true;
      }
      const line = parse(entry);
      if (entry.id > folded) {
        folded = entry.id;
        fold(before, line);
      }
      isKept ||= entry.id === last;
      if (entry.id > last) {
        if (!isKept) yield { event: "gap", data: { after: last } };
        isKept = true;
        last = entry.id;
        const event = await told(service, first.job_id, line, before);
        const given = performance.now();
        yield { id: entry.id, ...event };
        late = performance.now() - given > lateMs;
      }
      if (line.type === "end") return true;
      if (late) break;
    }
  }
  return false;
}

async function told(service: JobService, id: string, line: Line, { lines, begun, cancelling }: Fold): Promise<JobEvent> {
  if (line.event !== undefined) return { event: line.event, data: line.data ?? null };
  if (line.type === "end") return { event: "end", data: await service.view(id) };
  const { fraction: progress, step } = progressOf(service.pipeline, lines);
  const status: JobStatus = begun ? "processing" : "queued";
  return { event: "progress", data: { job_id: id, status, progress, step, ...(cancelling && { cancelling }) } };
}

/** "ended": the job has, and its log does not say so. */
async function* entriesUntilEnd(service: JobService, first: JobView, signal: AbortSignal): AsyncGenerator<LogEntry | "ended"> {
  const following = linkedSignal(signal);
  const entries = service.follow(first.job_id, "", following.signal)[Symbol.asyncIterator]();
  let ended = isEnded(first);
  let next = entries.next();
  try {
    for (;;) {
      const found = await orSilence(next, ended ? endWithinMs : lookMs);
      if (found !== "silence") {
        if (found.done) return;
        yield found.value;
        next = entries.next();
      } else if (ended) {
        yield "ended";
        return;
      } else ended = await hasEnded(service, first.job_id);
    }
  } finally {
    following.end();
    next.catch(() => undefined);
  }
}

/** @throws {JobError} 404 when it was deleted. */
async function hasEnded(service: JobService, id: string): Promise<boolean> {
  try {
    return isEnded(await service.view(id));
  } catch (error) {
    if (asJobError(error).status < 500) throw error;
    return false; // the store is away: those who follow the log wait for it too
  }
}

export async function orSilence<T>(work: Promise<T>, ms: number): Promise<T | "silence"> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<"silence">((resolve) => {
    timer = setTimeout(resolve, ms, "silence").unref();
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}

const parse = ({ data }: LogEntry): Line => JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8"));

function fold(before: Fold, line: Line): void {
  before.cancelling ||= line.type === "cancelling";
  // What has no type, its task has said.
  before.begun ||= line.type === "started" || line.type === undefined;
  if (line.type !== undefined || line.event !== undefined) return;
  before.lines.push(line);
  if (before.lines.length > linesKept) before.lines.shift();
}
