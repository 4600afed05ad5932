/** How a job ended, from what is stored of its task. Pure. */
import type { StoredResult } from "lovage";
import { explainFailure, readFailure } from "../job-failure.ts";
import type { JobEnd, JobRecord } from "../job-record.ts";
import type { ExplainedFailure, JobProgress, Pipeline } from "../pipeline.ts";
import { StorageError } from "../storage/storage-error.ts";

/** What became of its task. */
export interface TaskEnd {
  readonly stored: StoredResult;
  /** Names of what it published; null: nothing that this service can see; an error: why it can never read what is there. */
  readonly outputs: readonly string[] | null | StorageError;
  readonly progress: JobProgress;
  readonly now: number;
}

const ends: readonly string[] = ["SUCCESS", "FAILURE", "REVOKED"];
export const hasEnded = (state: string): boolean => ends.includes(state);

/** Of a task that has ended. A job that its client cancelled ends so, however its task put it; one that was complete stays so. */
export function endOf(record: JobRecord, pipeline: Pipeline, { stored, outputs, progress, now }: TaskEnd): JobEnd {
  // By the worker's clock, which may be behind.
  const at = Math.max(record.createdAt, stored.dateDone === null ? now : Date.parse(stored.dateDone) || now);
  const end =
    stored.state === "SUCCESS" ? success(pipeline, stored.result, outputs) : { status: "error" as const, ...failure(pipeline, stored) };
  if (end.status === "complete") return { ...end, at, progress: { ...progress, fraction: 1 } };
  return { ...(record.cancelRequestedAt === undefined ? end : cancelled), at, progress };
}

const cancelled = { status: "error", code: "JOB_CANCELLED", message: "The job was cancelled.", retryable: true } as const;

function success(pipeline: Pipeline, result: unknown, found: TaskEnd["outputs"]) {
  const declared = pipeline.outputs;
  if (found instanceof StorageError) {
    const { name: type, code, message } = found;
    return { status: "error" as const, ...told(explainFailure({ type, code, message, causes: [] })) };
  }
  if (found === null && declared?.length !== 0) {
    return {
      status: "error" as const,
      code: "STORAGE_NOT_SHARED",
      message: "The job ended without outputs in this service's storage: do its workers share the folder?",
      retryable: false,
    };
  }
  const outputs = found ?? [];
  const missing = declared?.filter((name) => !outputs.includes(name)) ?? [];
  if (missing.length === 0) return { status: "complete" as const, outputs, result };
  const message = `The job ended without ${missing.join(", ")}.`;
  return { status: "error" as const, code: "JOB_OUTPUTS_MISSING", message, retryable: false };
}

function failure(pipeline: Pipeline, { state, result, traceback }: StoredResult) {
  if (state === "REVOKED") return { code: "JOB_REVOKED", message: "The job was revoked.", retryable: true };
  const read = readFailure(result, traceback);
  return told(pipeline.explain?.(read) ?? explainFailure(read));
}

const told = ({ code, message, retryable = false }: ExplainedFailure) => ({ code, message, retryable });

/** A job of whose task nothing is left anywhere: no message, no run, no result. */
export function lostEnd(record: JobRecord, resultKeptMs: number | null, progress: JobProgress, now: number): JobEnd {
  const common = { status: "error", at: now, progress, retryable: true } as const;
  const since = record.startedAt ?? record.createdAt;
  if (resultKeptMs !== null && now - since >= resultKeptMs) {
    const message = "The job ended, but nobody looked while its result was kept: how it ended is not known any more.";
    return { ...common, code: "JOB_RESULT_EXPIRED", message };
  }
  return { ...common, code: "JOB_LOST", message: "The queue knows nothing of the job any more. Send it again." };
}
