/** What may be set from outside, read once. Folders are relative to where the process was started. */
import path from "node:path";

export interface JobpilotSettings {
  /** Missions and briefings as files; shared by the job service and all workers. */
  readonly storage: string;
  /** `postgres://…`, or a file for SQLite. */
  readonly database: string;
  /** Hosts, with ports where they are not the usual ones, that agents may fetch from. Nothing else is: missions come from strangers. */
  readonly hosts: readonly string[];
}

export function readSettings(environment: NodeJS.ProcessEnv): JobpilotSettings {
  const storage = path.resolve(environment.JOBPILOT_STORAGE ?? ".lovage/jobpilot/jobs");
  return {
    storage,
    database: environment.JOBPILOT_DATABASE ?? path.join(path.dirname(storage), "briefings.db"),
    hosts: (environment.JOBPILOT_HOSTS ?? "").split(",").filter((host) => host !== ""),
  };
}
