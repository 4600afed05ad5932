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
  /** What a client is told of a failure; undefined: what can be said without knowing the tasks, and no more. */
  readonly explain?: (failure: JobFailure) => ExplainedFailure | undefined;
}

export interface JobFailure {
  /** The exception's name. */
  readonly type: string;
  /** Of the error, where it had one: text. */
  readonly code: string | undefined;
  readonly message: string;
}

export interface ExplainedFailure {
  readonly code: string;
  readonly message: string;
  /** The same upload may succeed later. Default false. */
  readonly retryable?: boolean;
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
