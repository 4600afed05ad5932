/** Named sets of worker options in the app (`profiles`), so that `lovage worker --profile gpu` and `lovage dev` need no flags. */
import { ConfigError } from "../../kernel/errors.ts";
import type { WorkerOptions } from "../../worker/start-worker.ts";

const profileKeys = [
  "pool",
  "concurrency",
  "autoscale",
  "processes",
  "queues",
  "excludeQueues",
  "prefetchMultiplier",
  "maxTasksPerChild",
  "maxMemoryPerChild",
  "hardMemoryPerChild",
  "timeLimit",
  "softTimeLimit",
  "shutdownTimeoutMs",
  "softShutdownMs",
  "gpus",
  "taskEvents",
] as const satisfies readonly (keyof WorkerOptions)[];

/** @throws {ConfigError} for a name the app has no profile of, and for a key that is no option of a worker. */
export function profileOf(profiles: Readonly<Record<string, unknown>>, name: string): WorkerOptions {
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (typeof profile !== "object" || profile === null) {
    throw new ConfigError(
      "LOVAGE_PROFILE_UNKNOWN",
      `The app has no profile "${name}"; it has: ${Object.keys(profiles).join(", ") || "none"}.`,
    );
  }
  const unknown = Object.keys(profile).filter((key) => !(profileKeys as readonly string[]).includes(key));
  if (unknown.length > 0) {
    throw new ConfigError(
      "LOVAGE_PROFILE_INVALID",
      `The profile "${name}" has ${unknown.join(", ")}; a profile may have ${profileKeys.join(", ")}.`,
    );
  }
  return profile as WorkerOptions;
}
