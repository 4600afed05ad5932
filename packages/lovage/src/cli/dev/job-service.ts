/**
 * Starts the job service of a user's module. `@lovage/http` depends on this package, not the other way round, so it is
 * looked up from where the user's module lies, and only when it is asked for.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { LoadedApp } from "../../app/load-app.ts";
import { ConfigError, UsageError } from "../../kernel/errors.ts";
import { aborted } from "../stop-signals.ts";

export interface JobServiceSpec {
  readonly loaded: LoadedApp;
  readonly host: string;
  readonly port: number;
  readonly onError: (error: unknown, correlationId: string) => void;
}

export interface RunningJobService {
  readonly url: string;
  /** Lets requests under way end, for at most 3 s, or until `hurry`. */
  close(hurry?: AbortSignal): Promise<void>;
}

/** What the package's door offers of it; its types live there. */
interface HttpPackage {
  serveJobs(options: Record<string, unknown>): Promise<{ readonly url: string; close(): Promise<void> }>;
}

/** A download that nobody reads must not keep the service. */
const closeWithinMs = 3000;

export const exportsJobs = ({ exports }: LoadedApp): boolean => typeof exports.jobs === "object" && exports.jobs !== null;

/** @throws {UsageError} when the module exports no `jobs`. @throws {ConfigError} when `@lovage/http` is not installed beside it, or the port is not to be had. */
export async function startJobService({ loaded, host, port, onError }: JobServiceSpec): Promise<RunningJobService> {
  const { app, path, exports } = loaded;
  if (!exportsJobs(loaded)) {
    throw new UsageError(
      "LOVAGE_JOBS_NOT_EXPORTED",
      `${path} exports no "jobs". Export { pipeline, storage } under that name to serve it over HTTP.`,
    );
  }
  const { serveJobs } = await importHttp(path);
  // What an earlier process kept for the broker need not wait for the next upload.
  app.spool?.replay().catch((error: unknown) => onError(error, "spool"));
  const serving = await serveJobs({ ...(exports.jobs as object), app, host, port, onError });
  return { url: serving.url, close: (hurry) => within(closeWithinMs, serving.close(), hurry) };
}

async function within(ms: number, work: Promise<void>, hurry: AbortSignal = new AbortController().signal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late, aborted(hurry)]);
  clearTimeout(timer);
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
