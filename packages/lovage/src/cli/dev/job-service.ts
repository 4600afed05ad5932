/**
 * Starts the job service of a user's module. `@lovage/http` depends on this package, not the other way round, so it is
 * looked up from where the user's module lies, and only when it is asked for.
 */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { loadApp } from "../../app/load-app.ts";
import { ConfigError, UsageError } from "../../kernel/errors.ts";

export interface JobServiceSpec {
  readonly appModule: string;
  readonly host: string;
  readonly port: number;
  readonly broker?: string;
  readonly onError: (error: unknown, correlationId: string) => void;
}

export interface RunningJobService {
  readonly url: string;
  close(): Promise<void>;
}

/** What the package's door offers of it; its types live there. */
interface HttpPackage {
  serveJobs(options: Record<string, unknown>): Promise<RunningJobService>;
}

/** @throws {UsageError} when the module exports no `jobs`. @throws {ConfigError} when `@lovage/http` is not installed beside it. */
export async function startJobService(spec: JobServiceSpec): Promise<RunningJobService> {
  const { app, path, exports } = await loadApp(spec.appModule, { flags: spec.broker === undefined ? {} : { broker: spec.broker } });
  const { jobs } = exports;
  if (typeof jobs !== "object" || jobs === null) {
    throw new UsageError(
      "LOVAGE_JOBS_NOT_EXPORTED",
      `${spec.appModule} exports no "jobs". Export { pipeline, storage } under that name to serve it over HTTP.`,
    );
  }
  const { serveJobs } = await importHttp(path);
  const serving = await serveJobs({ ...jobs, app, host: spec.host, port: spec.port, onError: spec.onError });
  return {
    url: serving.url,
    close: async () => {
      await serving.close();
      await app.close();
    },
  };
}

async function importHttp(from: string): Promise<HttpPackage> {
  try {
    return await import(pathToFileURL(createRequire(from).resolve("@lovage/http")).href);
  } catch (cause) {
    throw new ConfigError(
      "LOVAGE_HTTP_NOT_INSTALLED",
      `The job service needs the package @lovage/http beside ${from}: npm install @lovage/http.`,
      { cause },
    );
  }
}

export async function exportsJobs(appModule: string): Promise<boolean> {
  const { app, exports } = await loadApp(appModule, { flags: {} });
  await app.close();
  return typeof exports.jobs === "object" && exports.jobs !== null;
}
