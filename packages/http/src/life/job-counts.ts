/**
 * How many jobs came, began and ended, kept as counters of the state store. What a record's step counts for is added in the
 * write that makes the step, so a crash counts nothing twice and leaves nothing out, and no question reads all records.
 */
import type { JobRecord } from "../job-record.ts";

export interface JobStats {
  readonly queued: number;
  readonly processing: number;
  /** Completed. */
  readonly processed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Seconds from upload to end, over completed jobs; null while there are none. */
  readonly avg_seconds: number | null;
  /** Half of them took no longer. Within 5 %, as is `p95`: from a histogram. */
  readonly p50: number | null;
  readonly p95: number | null;
  /** When the first job came that is counted. */
  readonly since: string | null;
}

type Counts = Readonly<Record<string, number>>;

export const countersKey = (pipeline: string): string => `job-counts/${pipeline}`;
export const sinceKey = (pipeline: string): string => `job-counts-since/${pipeline}`;

/** What the step from one version of a record to the next counts for; undefined: nothing. */
export function countsOf(before: JobRecord | undefined, after: JobRecord): Counts | undefined {
  if (before === undefined) return { accepted: 1 };
  const began = after.startedAt !== undefined && before.startedAt === undefined;
  const ended = after.end !== undefined && before.end === undefined;
  if (!began && !ended) return undefined;
  return { ...(began && { started: 1 }), ...(ended && endCounts(after)) };
}

function endCounts(record: JobRecord): Counts {
  const { createdAt, startedAt, end } = record;
  const unstarted = startedAt === undefined ? { ended_unstarted: 1 } : {};
  if (end?.status !== "complete") return { [end?.code === "JOB_CANCELLED" ? "cancelled" : "failed"]: 1, ...unstarted };
  const ms = Math.max(1, Math.round(end.at - createdAt));
  const ran = startedAt === undefined ? {} : { ran: 1, ran_ms: Math.max(1, Math.round(end.at - startedAt)) };
  return { processed: 1, ms, [`le:${stepOf(ms)}`]: 1, ...ran, ...unstarted };
}

/** What a record that goes away takes with it: that an open job waits or runs. */
export function uncounted({ startedAt, end }: JobRecord): Counts {
  if (end !== undefined) return {};
  return { accepted: -1, ...(startedAt !== undefined && { started: -1 }) };
}

/** Steps of the histogram are a tenth apart, so that the middle of one is within 5 % of all in it: at most 240 from 1 ms to a year. */
const growth = Math.log(1.1);
const stepOf = (ms: number): number => Math.max(0, Math.ceil(Math.log(ms) / growth - 1e-9));
const middleMs = (step: number): number => (step === 0 ? 1 : Math.exp((step - 0.5) * growth));

export function statsOf(counts: Counts, since: string | null): JobStats {
  const { accepted = 0, started = 0, ended_unstarted = 0, processed = 0, failed = 0, cancelled = 0, ms = 0 } = counts;
  const ended = processed + failed + cancelled;
  const quantile = quantiles(counts);
  return {
    queued: Math.max(0, accepted - started - ended_unstarted),
    processing: Math.max(0, started - (ended - ended_unstarted)),
    processed,
    failed,
    cancelled,
    avg_seconds: processed === 0 ? null : ms / processed / 1000,
    p50: quantile(0.5),
    p95: quantile(0.95),
    since,
  };
}

/** Seconds that a job's code took so far, on average; null: none has ended. */
export const meanRunSeconds = ({ ran = 0, ran_ms = 0 }: Counts): number | null => (ran === 0 ? null : ran_ms / ran / 1000);

function quantiles(counts: Counts): (q: number) => number | null {
  const steps = Object.entries(counts)
    .flatMap(([field, count]) => (field.startsWith("le:") ? [[Number(field.slice(3)), count] as const] : []))
    .sort(([a], [b]) => a - b);
  const total = steps.reduce((sum, [, count]) => sum + count, 0);
  return (q) => {
    let left = Math.ceil(total * q);
    for (const [step, count] of steps) {
      left -= count;
      if (left <= 0 && total > 0) return Math.round(middleMs(step)) / 1000;
    }
    return null;
  };
}
