/** What a job service runs: one task that takes a job's files, with the rules of its upload and how its end and progress read. */
import type { Duration, ProgressEntry, SendOptions, TaskDefinition } from "lovage";
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
  /**
   * Gets one argument, the `JobInput`. It may replace itself with a whole canvas: the job ends when that does. With
   * `trackStarted`, or once it reports progress, its jobs are seen to begin.
   */
  readonly task: TaskDefinition<[job: JobInput], unknown>;
  readonly upload: UploadRules;
  /**
   * Names of files that a job must have published when its task succeeds; without them it ends as JOB_OUTPUTS_MISSING. `[]`: a
   * job may publish nothing, its result is all. Absent: any files, but some.
   */
  readonly outputs?: readonly string[];
  /** How long inputs and outputs are kept after a job's end. @defaultValue "24h"; null: for ever */
  readonly retention?: Duration | null;
  /** How a job's task is sent, such as its priority. */
  readonly sendOptions?: (job: JobInput) => Pick<SendOptions, "priority" | "queue" | "expires" | "countdown">;
  /** Folds what the job's tasks reported, oldest first. Default: the largest fraction and the last message. */
  readonly progress?: (entries: readonly ProgressEntry[]) => JobProgress;
  /** What a client is told of a failure, such as `mapErrors` makes; undefined: what can be said without knowing the tasks, and no more. */
  readonly explain?: (failure: JobFailure) => ExplainedFailure | undefined;
}

export interface JobFailure {
  /** The exception's name. */
  readonly type: string;
  /** Of the error, where it had one: text. */
  readonly code: string | undefined;
  readonly message: string;
  /** Names of the errors that caused it, the nearest first. */
  readonly causes: readonly string[];
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

/** As clients see it: sums of fractions come out as 0.8999999999999999. */
export function progressOf(pipeline: Pick<Pipeline, "progress">, entries: readonly ProgressEntry[]): JobProgress {
  const { fraction, step } = (pipeline.progress ?? foldProgress)(entries);
  return { fraction: Math.round(fraction * 1000) / 1000, step };
}

/** A pipeline whose own words may fail: what they throw goes to `onFault`, and they count as absent. No job may stay open for their sake. */
export function guardedPipeline(pipeline: Pipeline, onFault: (error: unknown) => void): Pipeline {
  const sure = <T>(say: () => T, otherwise: () => T): T => {
    try {
      return say();
    } catch (error) {
      onFault(error);
      return otherwise();
    }
  };
  return {
    ...pipeline,
    progress: (entries) =>
      sure(
        () => (pipeline.progress ?? foldProgress)(entries),
        () => foldProgress(entries),
      ),
    explain: (failure) =>
      sure(
        () => pipeline.explain?.(failure),
        () => undefined,
      ),
  };
}
