/**
 * Starts the job service of a user's module. `@lovage/http` depends on this package, not the other way round, so it is
 * looked up from where the user's module lies, and only when it is asked for.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { LoadedApp } from "../../app/load-app.ts";
import { ConfigError, UsageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";

export interface JobServiceSpec {
  readonly loaded: LoadedApp;
  readonly host: string;
  readonly port: number;
  /** `what` failed, for people: a request, or work that nobody waits for. */
  readonly onError: (error: unknown, what: string) => void;
  /** Its audit log. Default: none. */
  readonly log?: Logger;
}

export interface JobDoor {
  readonly url: string;
  readonly uploadUrl: string;
  /** Whether an upload takes an API key. */
  readonly needsKey: boolean;
  /** Whether a job opens only to its access token, or a key. */
  readonly needsToken: boolean;
}

export interface RunningJobService {
  readonly url: string;
  /** One per pipeline: where its routes lie. */
  readonly urls: readonly string[];
  /** The same, as one who is about to upload has to know them. */
  readonly doors: readonly JobDoor[];
  /** Lets requests under way end, uploads among them, for as long as `jobs` says (10 s), or until `hurry`. */
  close(hurry?: AbortSignal): Promise<void>;
}

/** What the package's door offers of it; its types live there. */
interface HttpPackage {
  serveJobs(options: Record<string, unknown>): Promise<RunningJobService>;
}

export const exportsJobs = ({ exports }: LoadedApp): boolean => typeof exports.jobs === "object" && exports.jobs !== null;

/** @throws {UsageError} when the module exports no `jobs`. @throws {ConfigError} when `@lovage/http` is not installed beside it, or the port is not to be had. */
export async function startJobService({ loaded, host, port, onError, log }: JobServiceSpec): Promise<RunningJobService> {
  const { app, path, exports } = loaded;
  if (!exportsJobs(loaded)) {
    throw new UsageError(
      "LOVAGE_JOBS_NOT_EXPORTED",
      `${path} exports no "jobs". Export { pipeline, storage } under that name, or a list of those with a path each, to serve it over HTTP.`,
    );
  }
  const { serveJobs } = await importHttp(path);
  // What an earlier process kept for the broker need not wait for the next upload.
  app.spool?.replay().catch((error: unknown) => onError(error, "replay of the spool"));
  const jobs = Array.isArray(exports.jobs) ? { services: exports.jobs } : (exports.jobs as object);
  const faults = {
    onError: (error: unknown, correlationId: string) => onError(error, `request ${correlationId}`),
    onFault: (error: unknown) => onError(error, "work in the background"),
  };
  return serveJobs({ ...(log && { log }), ...jobs, app, host, port, ...faults });
}

async function importHttp(from: string): Promise<HttpPackage> {
  let entry: string;
  try {
    entry = createRequire(from).resolve("@lovage/http");
  } catch (cause) {
    throw new ConfigError(
      "LOVAGE_HTTP_NOT_INSTALLED",
      `The job service needs the package @lovage/http beside ${from}: npm install @lovage/http.`,
      { cause },
    );
  }
  return import(pathToFileURL(entry).href);
}
