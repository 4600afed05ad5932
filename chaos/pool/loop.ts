/** Kills runners at random, one after the other, and times how soon the pool has its size again. */
import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type App, createApp, type Logger } from "lovage";
import type { Chance } from "lovage/testing";
import { startWorker, type WorkerHandle } from "lovage/worker";
import { endless, nap } from "./app.ts";

export const pools = ["processes", "threads", "async", "solo"] as const;
export type Pool = (typeof pools)[number];

export interface Plan {
  readonly pool: Pool;
  /** Runners; threads are all killed at a time. */
  readonly runners: number;
  readonly kills: number;
  readonly chance: Chance;
  readonly onKill?: (tookMs: number) => void;
}

export interface Outcome {
  /** Milliseconds from each kill until as many runners were ready as before. */
  readonly tookMs: readonly number[];
  /** Tasks that were sent, and of these how many came to their end. */
  readonly sent: number;
  readonly done: number;
}

/** What counts (P-55). */
export const withinMs = 2000;
const patienceMs = 60_000;
const appModule = fileURLToPath(new URL("app.ts", import.meta.url));

export async function killRunners({ pool, runners, kills, chance, onKill }: Plan): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "lovage-pool-"));
  const settings = { broker: `sqlite:${join(folder, "store.db")}` };
  const said = new EventEmitter();
  const worker = await start(pool, runners, settings, said);
  const sender = createApp({ name: "sender", ...settings, environment: false, folder: false });
  const load = new Load(sender);
  try {
    await worker.ready;
    const tookMs: number[] = [];
    for (let i = 0; i < kills; i++) {
      tookMs.push(await killOne(worker, said, chance));
      onKill?.(tookMs.at(-1) as number);
    }
    return { tookMs, ...(await load.end()) };
  } finally {
    await worker.stop("cold");
    await sender.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function start(pool: Pool, runners: number, settings: { readonly broker: string }, said: EventEmitter): Promise<WorkerHandle> {
  const app = createApp({ name: "node", tasks: { nap }, ...settings, ...endless, environment: false, folder: false });
  const size = pool === "solo" ? {} : pool === "async" ? { concurrency: 10, processes: runners } : { concurrency: runners };
  const say = (event: string) => void said.emit(event);
  const log: Logger = { debug: say, info: say, warn: say, error: say, child: () => log };
  return startWorker(app, { appModule, settings, pool, ...size, log, logLevel: "silent" });
}

/** A kill of a process with several threads takes all of them. */
async function killOne(worker: WorkerHandle, said: EventEmitter, chance: Chance): Promise<number> {
  const pids = worker.pids();
  const victim = pids[Math.floor(chance() * pids.length)] as number;
  const runners = worker.pool.pool === "threads" ? worker.pool.runners : 1;
  const back = readyTimes(said, runners);
  const killedAt = performance.now();
  process.kill(victim, "SIGKILL");
  await back;
  return performance.now() - killedAt;
}

async function readyTimes(said: EventEmitter, times: number): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  let count = 0;
  const counts = () => {
    count += 1;
  };
  said.on("runner.ready", counts);
  while (count < times) await once(said, "runner.ready", { signal });
  said.off("runner.ready", counts);
}

/** Sends a few tasks at a time for as long as the killing lasts. */
class Load {
  readonly #app: App;
  readonly #running: Promise<void>;
  #sent = 0;
  #done = 0;
  #over = false;

  constructor(app: App) {
    this.#app = app;
    this.#running = this.#send();
  }

  async end(): Promise<{ readonly sent: number; readonly done: number }> {
    this.#over = true;
    await this.#running;
    return { sent: this.#sent, done: this.#done };
  }

  async #send(): Promise<void> {
    while (!this.#over) {
      const batch = await Promise.all(Array.from({ length: 8 }, () => this.#app.send(nap, [20])));
      this.#sent += batch.length;
      const ends = await Promise.allSettled(batch.map((result) => result.get({ timeoutMs: patienceMs })));
      this.#done += ends.filter(({ status }) => status === "fulfilled").length;
    }
  }
}
