/** A job as its clients see it: the record, with what its task's result and progress say right now. */
import type { ProgressEntry } from "lovage";
import type { JobEnd, JobRecord } from "./job-store.ts";
import { foldProgress, type Pipeline } from "./pipeline.ts";

export type JobStatus = "queued" | "processing" | "complete" | "error";

export interface JobView {
  readonly job_id: string;
  readonly status: JobStatus;
  /** 0 to 1. */
  readonly progress: number;
  readonly step: string | null;
  /** Cancelled by its client, and its code still runs. */
  readonly cancelling?: true;
  readonly created_at: string;
  readonly finished_at?: string;
  readonly outputs?: readonly string[];
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
}

export function viewJob(record: JobRecord, pipeline: Pipeline, entries: readonly ProgressEntry[], started: boolean): JobView {
  const { fraction: exact, step } = (pipeline.progress ?? foldProgress)(entries);
  // Sums of fractions come out as 0.8999999999999999.
  const fraction = Math.round(exact * 1000) / 1000;
  const common = { job_id: record.id, created_at: new Date(record.createdAt).toISOString() };
  if (record.end) return { ...common, ...viewEnd(record.end, fraction, step) };
  const status = started || entries.length > 0 ? "processing" : "queued";
  const view = { ...common, status, progress: fraction, step } as const;
  return record.cancelRequestedAt === undefined ? view : { ...view, cancelling: true };
}

function viewEnd(end: JobEnd, fraction: number, step: string | null) {
  const finished_at = new Date(end.at).toISOString();
  if (end.status === "complete") return { status: end.status, progress: 1, step, finished_at, outputs: end.outputs, result: end.result };
  const error = { code: end.code, message: end.message, retryable: end.retryable };
  return { status: end.status, progress: fraction, step, finished_at, error };
}
