/** What a route of the job service is: one entry says how it is called, who may, what it answers, and what it does. */
import type { Context } from "hono";
import type { Role } from "./access/api-keys.ts";
import type { Caller } from "./access/gate.ts";
import type { Quotas } from "./access/quota.ts";
import type { SharedDocuments } from "./access/shared-documents.ts";
import type { EventOptions } from "./event-stream.ts";
import type { JobService } from "./job-service.ts";
import type { Answer, SchemaName } from "./openapi/schemas.ts";

export interface Route {
  /** Unique; what the typed client calls it. */
  readonly operation: string;
  readonly method: "get" | "post" | "delete";
  /** Hono's form. `:id` stands for a job, which the caller may touch when `handle` is called. */
  readonly path: string;
  readonly summary: string;
  /** What a key must be of; who needs none, the job's access rules say. Absent: anybody may, and no limit counts it. */
  readonly role?: Role;
  readonly parameters?: readonly Parameter[];
  /** By status. Whatever else goes wrong is a `Problem`. */
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  readonly handle: (call: Call) => Promise<Response>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header";
  readonly description: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

export interface RouteAnswer {
  readonly description: string;
  /** JSON of this schema. */
  readonly schema?: SchemaName;
  /** Anything else than JSON. */
  readonly content?: string;
}

/** A request that was let through. */
export interface Call {
  readonly service: JobService;
  readonly context: Context;
  readonly request: Request;
  readonly caller: Caller;
  readonly correlationId: string;
  /** What stands before the routes' own paths where they are mounted. */
  readonly base: string;
  readonly uploadPath: string;
  readonly quotas: Quotas;
  readonly documents: SharedDocuments;
  readonly events: EventOptions;
  /** Aborts when the service wants to end. */
  readonly closing: AbortSignal;
  /** Writes a line of the audit log: an event, and facts that are no file names. */
  audit(event: AuditEvent, facts?: Readonly<Record<string, unknown>>): void;
}

export type AuditEvent = "job.uploaded" | "job.downloaded" | "job.cancelled" | "job.deleted";

export const jobId = ({ context }: Call): string => context.req.param("id") ?? "";

/** JSON of which the compiler has seen that it is of the schema. */
export function answer<N extends SchemaName>(
  _schema: N,
  body: Answer<N>,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(body, { status, headers });
}
