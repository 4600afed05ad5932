/** The log of one job: what its tasks report of their progress, and between it what became of the job. Those who follow it miss nothing. */
import { type ProgressEntry, progressLog } from "lovage";
import type { LogEntry, StateStore } from "lovage/adapters";
import type { JobRecord } from "../job-record.ts";

export type JobMark = "started" | "cancelling" | "end";

/** Of the entries kept; lovage's runners keep as many. */
const kept = 500;
const nothing = { keep: 0, expiresMs: 1 } as const;

type Logged = Pick<JobRecord, "taskId">;

export class JobLog {
  readonly #state: () => Promise<StateStore>;
  readonly #keepMs: number;

  /** @param keepMs how long it outlives its last entry */
  constructor(state: () => Promise<StateStore>, keepMs: number) {
    this.#state = state;
    this.#keepMs = keepMs;
  }

  /** What was reported, oldest first. */
  async progress({ taskId }: Logged): Promise<readonly ProgressEntry[]> {
    const entries = await (await this.#state()).tail(progressLog(taskId), kept);
    return entries.map(({ data }) => parse(data)).filter(({ type, event }) => type === undefined && event === undefined);
  }

  /** The id of its newest entry; "": it is empty. */
  async last({ taskId }: Logged): Promise<string> {
    return (await (await this.#state()).tail(progressLog(taskId), 1)).at(-1)?.id ?? "";
  }

  async mark({ taskId }: Logged, type: JobMark, at: number): Promise<void> {
    await (await this.#state()).append(progressLog(taskId), [JSON.stringify({ type, at })], { keep: kept + 2, expiresMs: this.#keepMs });
  }

  async *follow({ taskId }: Logged, after: string, signal: AbortSignal): AsyncIterable<LogEntry> {
    yield* (await this.#state()).follow(progressLog(taskId), after, signal);
  }

  async remove({ taskId }: Logged): Promise<void> {
    await (await this.#state()).append(progressLog(taskId), [], nothing);
  }
}

/** The job has ended. */
export const isEndMark = ({ data }: LogEntry): boolean => parse(data).type === "end";

const parse = (data: Uint8Array): ProgressEntry & { readonly type?: JobMark; readonly event?: string } =>
  JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("utf8"));
