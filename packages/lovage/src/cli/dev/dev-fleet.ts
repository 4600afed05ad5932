/**
 * Everything of an app on one machine: a worker node per profile, each in a process of its own, and the job service here.
 * A node that dies is started again; its work is taken over at once (the new node sees that the old one's pid is gone).
 */
import { fileURLToPath } from "node:url";
import { type LoadedApp, loadApp } from "../../app/load-app.ts";
import { aborted } from "../stop-signals.ts";
import { DevProcess } from "./dev-process.ts";
import { exportsJobs, type JobDoor, type RunningJobService, startJobService } from "./job-service.ts";

export interface DevFleetOptions {
  readonly appModule: string;
  readonly broker?: string;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  /** Gives the start up. */
  readonly signal?: AbortSignal;
  readonly onLine: (name: string, line: string) => void;
  readonly onStarted: (name: string, pid: number) => void;
}

export interface DevFleet {
  /** Of the job service; null when the module exports no `jobs`. */
  readonly url: string | null;
  /** One per pipeline of the job service. */
  readonly doors: readonly JobDoor[];
  readonly nodes: readonly { readonly name: string; readonly pid: number | undefined }[];
  /** Running tasks get `graceMs` to end, or until `hurry` aborts; then they are given back. */
  stop(graceMs: number, hurry?: AbortSignal): Promise<void>;
}

const cli = fileURLToPath(new URL("../../../bin/lovage.js", import.meta.url));

/** Resolves when all nodes are ready and the job service listens; when that fails, or is given up, nothing of it is left. */
export async function startDevFleet(options: DevFleetOptions): Promise<DevFleet> {
  const loaded = await loadApp(options.appModule, { flags: options.broker === undefined ? {} : { broker: options.broker } });
  const profiles = profilesOf(loaded);
  const processes = profiles.map((profile) => nodeOf(profile, options));
  let service: RunningJobService | null = null;
  const stop = async (graceMs: number, hurry?: AbortSignal) => {
    await Promise.all([service?.close(hurry), ...processes.map((process) => process.stop(graceMs, hurry))]);
    await loaded.app.close();
  };
  try {
    if (exportsJobs(loaded)) service = await serviceOf(loaded, options);
    for (const process of processes) process.start();
    await Promise.race([Promise.all(processes.map(({ ready }) => ready)), ...(options.signal ? [givenUp(options.signal)] : [])]);
  } catch (error) {
    await stop(2000);
    throw error;
  }
  return {
    url: service?.urls[0] ?? null,
    doors: service?.doors ?? [],
    get nodes() {
      return processes.map((process, i) => ({ name: profiles[i] ?? "worker", pid: process.pid }));
    },
    stop,
  };
}

async function givenUp(signal: AbortSignal): Promise<never> {
  await aborted(signal);
  throw signal.reason;
}

/** One unnamed node where the app has no profiles. */
function profilesOf({ app }: LoadedApp): readonly string[] {
  const names = Object.keys(app.config.profiles);
  return names.length > 0 ? names : [""];
}

function nodeOf(profile: string, options: DevFleetOptions): DevProcess {
  const args = [cli, "worker", "-A", options.appModule, "-l", options.logLevel, "--until-stdin-ends"];
  if (profile !== "") args.push("--profile", profile, "-n", profile);
  if (options.broker !== undefined) args.push("--broker", options.broker);
  return new DevProcess({
    name: profile || "worker",
    args,
    environment: process.env,
    isReady: (line) => / ready\.$/.test(line),
    onLine: options.onLine,
    onStarted: options.onStarted,
  });
}

function serviceOf(loaded: LoadedApp, { host, port, onLine }: DevFleetOptions): Promise<RunningJobService> {
  return startJobService({
    loaded,
    host,
    port,
    onError: (error, what) => onLine("http", `${what} failed: ${error instanceof Error ? error.message : String(error)}`),
  });
}
