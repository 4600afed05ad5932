/** What a job service runs: one task that takes a job's files, with the rules of its upload and how its end and progress read. */
import type { ProgressEntry, TaskDefinition } from "lovage";
import type { UploadRules } from "./upload.ts";

/** What the task gets: everything but the bytes, which lie in the job's folder (`JobFiles`). JSON. */
export interface JobInput {
  readonly id: string;
  /** `file`: path inside the job's folder. `name`: as the client called it, for people. */
  readonly files: readonly {
    readonly file: string;
    readonly name: string;
    readonly type: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  /** The other fields of the form. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface JobProgress {
  /** 0 to 1. */
  readonly fraction: number;
  /** What is being done, for people. */
  readonly step: string | null;
}

export interface Pipeline {
  readonly name: string;
  /** Gets one argument, the `JobInput`. It may replace itself with a whole canvas: the job ends when that does. */
  readonly task: TaskDefinition<[job: JobInput], unknown>;
  readonly upload: UploadRules;
  /** Folds what the job's tasks reported, oldest first. Default: the largest fraction and the last message. */
  readonly progress?: (entries: readonly ProgressEntry[]) => JobProgress;
  /** The code and sentence a client gets for a failure; undefined: `INTERNAL` and no more. `type` is the exception's name. */
  readonly explain?: (failure: JobFailure) => { readonly code: string; readonly message: string; readonly retryable?: boolean } | undefined;
}

export interface JobFailure {
  readonly type: string;
  readonly code: string | undefined;
  readonly message: string;
}

export function foldProgress(entries: readonly ProgressEntry[]): JobProgress {
  let fraction = 0;
  let step: string | null = null;
  for (const entry of entries) {
    fraction = Math.max(fraction, entry.fraction ?? 0);
    step = entry.message ?? step;
  }
  return { fraction: Math.min(1, fraction), step };
}
