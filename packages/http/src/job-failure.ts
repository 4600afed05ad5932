/** Why a job's task failed, read from its result, and what its client is told where the pipeline has no words of its own. */
import { isStorageFull, storageFull } from "./job-error.ts";
import type { ExplainedFailure, JobFailure } from "./pipeline.ts";
import type { StorageErrorCode } from "./storage/storage-error.ts";

/** From a result document's exception: the code, where an error had one, stands after its message; causes stand in its traceback. */
export function readFailure(result: unknown, traceback: string | null = null): JobFailure {
  const { exc_type, exc_message } = (result ?? {}) as { readonly exc_type?: unknown; readonly exc_message?: unknown };
  const args = Array.isArray(exc_message) ? exc_message : [exc_message];
  return {
    type: String(exc_type ?? "Error"),
    message: String(args[0] ?? ""),
    code: typeof args[1] === "string" ? args[1] : undefined,
    causes: causesIn(traceback ?? ""),
  };
}

/** The text as `message/traceback.ts` of lovage writes it, or Python does: nearest last there, so its order is turned. */
function causesIn(traceback: string): readonly string[] {
  const ours = [...traceback.matchAll(/^Caused by:\n\n[^\n]*\n([\p{L}_$][\p{L}\p{N}_.$]*)/gmu)];
  const python = [...traceback.matchAll(/^([\p{L}_][\p{L}\p{N}_.]*)(?::[^\n]*)?\n\nThe above exception was the direct cause/gmu)].reverse();
  return [...ours, ...python].map(([, name = ""]) => name.split(".").at(-1) ?? name);
}

const tooSlow = { code: "JOB_TOO_SLOW", message: "The job ran into its time limit.", retryable: true };

/** By exception name. What the code of a task threw is its own secret. */
const explanations: Readonly<Record<string, ExplainedFailure>> = {
  TimeLimitExceeded: tooSlow,
  SoftTimeLimitExceeded: tooSlow,
  WorkerLostError: {
    code: "JOB_WORKER_LOST",
    message: "The process that worked on the job ended again and again. The job is kept with the dead letters.",
  },
  NotRegistered: {
    code: "JOB_TASK_UNKNOWN",
    message: "No worker knows the job's task: is the version that runs the right one?",
    retryable: true,
  },
  ChordError: { code: "JOB_PART_FAILED", message: "A part of the job failed." },
};

/** What the storage told a worker, by its code: its own messages may name folders and buckets. */
const storageExplanations: Readonly<Partial<Record<StorageErrorCode, Omit<ExplainedFailure, "code">>>> = {
  STORAGE_OBJECT_MISSING: { message: "A file of the job is not where its worker looked for it.", retryable: false },
  STORAGE_UNAVAILABLE: { message: "The storage did not answer the job's worker.", retryable: true },
  STORAGE_DENIED: { message: "The job's worker may not use the storage; the service's operator has to act.", retryable: true },
  STORAGE_BUCKET_MISSING: { message: "The storage of the job's worker is not there; the service's operator has to act.", retryable: true },
  STORAGE_UNSUITABLE: {
    message: "The storage of the job's worker lacks what it needs; the service's operator has to act.",
    retryable: true,
  },
  STORAGE_KEY_UNKNOWN: {
    message: "The job's worker and the service have different keys for its files; the service's operator has to act.",
    retryable: true,
  },
  STORAGE_DAMAGED: { message: "A stored file of the job is not what was written.", retryable: false },
};

function explainStorage({ type, code = "" }: JobFailure): ExplainedFailure | undefined {
  if (type !== "StorageError" || !Object.hasOwn(storageExplanations, code)) return undefined;
  const words = storageExplanations[code as StorageErrorCode];
  return words && { code, ...words };
}

export function explainFailure(failure: JobFailure): ExplainedFailure {
  if (isStorageFull(failure))
    return { code: storageFull, message: "There is no space left for the job's outputs. Nothing was kept.", retryable: true };
  return explainStorage(failure) ?? explanations[failure.type] ?? { code: "INTERNAL", message: "The job failed." };
}
