/** A table from what a pipeline's tasks throw to what its clients are told. */
import type { ExplainedFailure, JobFailure, Pipeline } from "../pipeline.ts";

/** `message` absent: that the job failed, and no more. An error's own words may hold paths and names. */
export interface MappedError {
  readonly code: string;
  readonly message?: string;
  readonly retryable?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a class is meant whatever its constructor takes
type ErrorClass = abstract new (...args: any[]) => Error;
type ErrorTable = Readonly<Record<string, string | MappedError>> | readonly (readonly [ErrorClass | string, string | MappedError])[];

/**
 * For `Pipeline.explain`. An error is found by its class, by its name, by its `code`, or by the name of one that caused it, in this
 * order. What the table does not name stays what it is without it: a time limit, a lost worker, else INTERNAL.
 * @example explain: mapErrors({ CudaOomError: { code: "GPU_OUT_OF_MEMORY", retryable: true }, ENOENT: "SCAN_INCOMPLETE" })
 * @example explain: mapErrors([[CudaOomError, "GPU_OUT_OF_MEMORY"]])
 */
export function mapErrors(table: ErrorTable): NonNullable<Pipeline["explain"]> {
  const entries = Array.isArray(table) ? (table as Exclude<ErrorTable, Record<string, unknown>>) : Object.entries(table);
  const byName = new Map(entries.map(([error, told]) => [typeof error === "string" ? error : error.name, toldOf(told)] as const));
  return ({ type, code, causes }: JobFailure) => {
    for (const name of [type, code, ...causes]) {
      const found = name === undefined ? undefined : byName.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function toldOf(told: string | MappedError): ExplainedFailure {
  const { code, message = "The job failed.", retryable = false } = typeof told === "string" ? { code: told } : told;
  return { code, message, retryable };
}
