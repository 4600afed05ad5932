/** What the routes answer, said once: handlers are checked against it by the compiler, answers by the tests, clients by both. */
import { z } from "zod";
import type { JobView } from "../job-view.ts";
import type { JobStats } from "../life/job-counts.ts";

const job = z.strictObject({
  job_id: z.string(),
  status: z.enum(["queued", "processing", "complete", "error"]),
  progress: z.number().min(0).max(1),
  step: z.string().nullable(),
  position: z.int().nullable().exactOptional().meta({ description: "While queued: 1 is the next to start. null: not known right now." }),
  position_over: z.int().exactOptional().meta({ description: "Its place in the queue is behind this one." }),
  starts_in_seconds: z.number().nullable().exactOptional().meta({ description: "While queued: likely, by what such jobs took of late." }),
  accepted: z
    .enum(["queue", "spool"])
    .exactOptional()
    .meta({ description: "spool: the queue is away, and the job waits on the service's disk." }),
  cancelling: z.literal(true).exactOptional().meta({ description: "Cancelled by its client, and its code still runs." }),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().exactOptional(),
  finished_at: z.iso.datetime().exactOptional(),
  files_until: z.iso.datetime().exactOptional().meta({ description: "When inputs and outputs go, or went." }),
  outputs: z.array(z.string()).exactOptional(),
  result: z.unknown().optional(),
  error: z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() }).exactOptional(),
}) satisfies z.ZodType<JobView>;

const uploaded = job.extend({
  access_token: z.string().meta({ description: "Opens this job and no other. Shown once." }),
  status_url: z.string(),
  events_url: z.string(),
  cancel_url: z.string(),
  download_url: z.string(),
  job_url: z.string().meta({ description: "To delete." }),
});

const stats = z.strictObject({
  queued: z.int(),
  processing: z.int(),
  processed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  avg_seconds: z.number().nullable(),
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  since: z.iso.datetime().nullable(),
}) satisfies z.ZodType<JobStats>;

const problem = z.strictObject({ code: z.string().meta({ description: "Stable." }), message: z.string() });

const health = z.strictObject({
  status: z.enum(["ok", "unavailable"]),
  code: z.string().exactOptional(),
  message: z.string().exactOptional(),
  broker: z.strictObject({ ok: z.boolean(), ms: z.number() }).exactOptional(),
});

export const schemas = { Job: job, UploadedJob: uploaded, Stats: stats, Problem: problem, Health: health };
export type SchemaName = keyof typeof schemas;
export type Answer<N extends SchemaName> = Immutable<z.output<(typeof schemas)[N]>>;

type Immutable<T> = T extends object ? { readonly [K in keyof T]: Immutable<T[K]> } : T;
