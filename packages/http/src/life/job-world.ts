/** What every part of a job's life works with: opened once per service. */
import type { App, Clock } from "lovage";
import type { Intake } from "../intake/intake.ts";
import type { JobFiles, JobId } from "../job-files.ts";
import type { JobStore } from "../job-store.ts";
import type { Pipeline } from "../pipeline.ts";
import type { Arriving } from "./arriving.ts";
import type { JobLog } from "./job-log.ts";
import type { SpooledJobs } from "./spooled-jobs.ts";

export interface JobWorld {
  readonly app: App;
  readonly pipeline: Pipeline;
  readonly intake: Intake;
  readonly jobs: JobStore;
  readonly log: JobLog;
  readonly spooled: SpooledJobs;
  readonly arriving: Arriving;
  readonly clock: Pick<Clock, "now">;
  /** How long files outlive their job's end, milliseconds; null: for ever. */
  readonly retentionMs: number | null;
  files(id: JobId): JobFiles;
  /** Where what nobody waits for goes when it fails. */
  onFault(error: unknown): void;
}
