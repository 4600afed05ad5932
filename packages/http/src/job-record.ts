/** What is kept of a job: data only. `JobStore` keeps it, `life/` makes its steps. */
import type { JobId } from "./job-files.ts";
import type { JobProgress } from "./pipeline.ts";

export interface JobRecord {
  readonly id: JobId;
  readonly pipeline: string;
  readonly taskId: string;
  /** Where its task waits first. */
  readonly queue: string;
  readonly correlationId: string;
  /** SHA-256 of its access token, base64url. */
  readonly tokenHash?: string;
  /** Of the API key that it was uploaded with. */
  readonly owner?: string;
  /** This and all times here: milliseconds since 1970. */
  readonly createdAt: number;
  readonly files: readonly { readonly name: string; readonly type: string; readonly bytes: number; readonly sha256: string }[];
  /** Its task waited on the service's disk, because the queue was away. */
  readonly spooled?: true;
  /** When it was first seen to have begun. */
  readonly startedAt?: number;
  readonly cancelRequestedAt?: number;
  readonly end?: JobEnd;
  /** Since then neither inputs nor outputs are kept: what is left says that they were. */
  readonly filesGoneAt?: number;
  /** It is to go, files and record, as soon as its code has stopped. Clients do not see it any more. */
  readonly deletingAt?: number;
}

export type JobEnd = { readonly at: number; readonly progress: JobProgress } & (
  | { readonly status: "complete"; readonly outputs: readonly string[]; readonly result: unknown }
  | { readonly status: "error"; readonly code: string; readonly message: string; readonly retryable: boolean }
);
