/** `GET /ready`: whether a job that came now would be worked on. The first that fails says why, without names of hosts. */
import { setTimeout as sleep } from "node:timers/promises";
import { answer, type Call } from "./route.ts";

const withinMs = 2000;

interface Check {
  readonly code: string;
  readonly message: string;
  /** false, an error, or no answer in time: not ready. */
  readonly passes: (call: Call) => Promise<boolean>;
}

const checks: readonly Check[] = [
  { code: "SERVICE_CLOSING", message: "The service is about to end.", passes: async ({ closing }) => !closing.aborted },
  {
    code: "BROKER_UNAVAILABLE",
    message: "The job queue does not answer.",
    passes: ({ service }) => service.ping(withinMs).then(() => true),
  },
  {
    code: "STATE_UNAVAILABLE",
    message: "The store of the job records does not answer.",
    passes: async ({ service }) => (await (await service.state()).read(["access/probe"])).length === 1,
  },
  {
    code: "STORAGE_UNWRITABLE",
    message: "The storage cannot be written.",
    passes: ({ service }) => service.isStorageWritable(),
  },
  {
    code: "NO_WORKERS",
    message: "No worker takes from the queue of this service's jobs.",
    passes: async ({ service }) => (await service.workers()).length > 0,
  },
  {
    code: "STORAGE_NOT_SHARED",
    message: "A worker does not see what this service stores, or the other way round: they need the same storage.",
    passes: async ({ service }) => (await service.storageProblem()) === undefined,
  },
];

export async function readiness(call: Call): Promise<Response> {
  for (const { code, message, passes } of checks) {
    const late = new AbortController();
    const passed = await Promise.race([
      passes(call).catch(() => false),
      sleep(withinMs, false, { signal: late.signal, ref: false }).catch(() => false),
    ]);
    late.abort();
    if (!passed) return answer("Health", { status: "unavailable", code, message }, 503);
  }
  return answer("Health", { status: "ok" });
}
