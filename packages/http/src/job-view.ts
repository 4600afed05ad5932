/** A job as its clients see it: the record, with what its task's progress says right now, and its place in the queue. */
import type { JobEnd, JobRecord } from "./job-record.ts";
import type { JobProgress } from "./pipeline.ts";

export type JobStatus = "queued" | "processing" | "complete" | "error";

export interface JobView {
  readonly job_id: string;
  readonly status: JobStatus;
  /** 0 to 1. */
  readonly progress: number;
  readonly step: string | null;
  /** While queued: 1 is the next to start. null: further back than is counted, or on its way between two places. */
  readonly position?: number | null;
  /** Its place is behind this one. */
  readonly position_over?: number;
  /** While queued: in how many seconds it is likely to start; null: nobody can say. */
  readonly starts_in_seconds?: number | null;
  /** "spool": the queue is away, and the job waits on the service's disk until it is back. */
  readonly accepted?: "queue" | "spool";
  /** Cancelled by its client, and its code still runs. */
  readonly cancelling?: true;
  readonly created_at: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  /** When inputs and outputs go, or went. */
  readonly files_until?: string;
  readonly outputs?: readonly string[];
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
}

/** What a record does not say of a job that is open. */
export interface Situation {
  readonly progress: JobProgress;
  readonly place?: Pick<JobView, "position" | "position_over" | "starts_in_seconds">;
}

export const statusOf = ({ startedAt, end }: JobRecord): JobStatus => end?.status ?? (startedAt === undefined ? "queued" : "processing");

export const isEnded = ({ status }: Pick<JobView, "status">): boolean => status === "complete" || status === "error";

/** @param retentionMs how long files outlive the end; null: for ever */
export function viewJob(record: JobRecord, { progress, place }: Situation, retentionMs: number | null): JobView {
  const { id, createdAt, startedAt, end } = record;
  const common = {
    job_id: id,
    status: statusOf(record),
    progress: progress.fraction,
    step: progress.step,
    created_at: isoOf(createdAt),
    ...(startedAt !== undefined && { started_at: isoOf(startedAt) }),
  };
  if (end !== undefined) return { ...common, ...viewEnd(end, record.filesGoneAt ?? (retentionMs === null ? null : end.at + retentionMs)) };
  return {
    ...common,
    ...(common.status === "queued" && place),
    ...(record.cancelRequestedAt !== undefined && { cancelling: true as const }),
  };
}

function viewEnd(end: JobEnd, filesUntil: number | null) {
  const common = { finished_at: isoOf(end.at), ...(filesUntil !== null && { files_until: isoOf(filesUntil) }) };
  if (end.status === "complete") return { ...common, outputs: end.outputs, result: end.result };
  return { ...common, error: { code: end.code, message: end.message, retryable: end.retryable } };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
