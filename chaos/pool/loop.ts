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
  const roster = new Roster();
  const worker = await start(pool, runners, settings, roster.log);
  const sender = createApp({ name: "sender", ...settings, environment: false, folder: false });
  const load = new Load(sender);
  try {
    await worker.ready;
    await roster.complete(worker.pool.runners, 0);
    const tookMs: number[] = [];
    for (let i = 0; i < kills; i++) {
      tookMs.push(await killOne(roster, worker.pool.runners, chance));
      onKill?.(tookMs.at(-1) as number);
    }
    return { tookMs, ...(await load.end()) };
  } finally {
    load.stop();
    await worker.stop("cold");
    await sender.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The runners of the pool that are ready now, as the node's log tells; those beside it do not count. */
class Roster {
  readonly log: Logger;
  readonly #pids = new Map<unknown, number>();
  readonly #changed = new EventEmitter();

  constructor() {
    const hear = (event: string, { epoch, pid, alone }: Readonly<Record<string, unknown>> = {}) => {
      if (event === "runner.ready" && alone !== true) this.#pids.set(epoch, Number(pid));
      else if (event === "runner.gone" || event === "runner.died") this.#pids.delete(epoch);
      this.#changed.emit("changed");
    };
    this.log = { debug: hear, info: hear, warn: hear, error: hear, isOn: () => true, child: () => this.log };
  }

  get pids(): readonly number[] {
    return [...this.#pids.values()];
  }

  /** Resolves when so many are ready, and none of them in this process. */
  async complete(runners: number, without: number): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs);
    while (this.#pids.size !== runners || this.pids.includes(without)) await once(this.#changed, "changed", { signal });
  }
}

async function start(pool: Pool, runners: number, settings: { readonly broker: string }, log: Logger): Promise<WorkerHandle> {
  const app = createApp({ name: "node", tasks: { nap }, ...settings, ...endless, environment: false, folder: false });
  const size = pool === "solo" ? {} : pool === "async" ? { concurrency: 10, processes: runners } : { concurrency: runners };
  return startWorker(app, { appModule, settings, pool, ...size, log, logLevel: "silent" });
}

/** A kill of a process with several threads takes all of them. */
async function killOne(roster: Roster, runners: number, chance: Chance): Promise<number> {
  const { pids } = roster;
  const victim = pids[Math.floor(chance() * pids.length)] as number;
  const killedAt = performance.now();
  process.kill(victim, "SIGKILL");
  await roster.complete(runners, victim);
  return performance.now() - killedAt;
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

  stop(): void {
    this.#over = true;
  }

  async end(): Promise<{ readonly sent: number; readonly done: number }> {
    this.stop();
    await this.#running;
    return { sent: this.#sent, done: this.#done };
  }

  async #send(): Promise<void> {
    while (!this.#over) {
      const batch = await Promise.all(Array.from({ length: 8 }, () => this.#app.send(nap, [20])));
      this.#sent += batch.length;
      const ends = await Promise.allSettled(batch.map((result) => result.get({ timeoutMs: 10 * patienceMs })));
      this.#done += ends.filter(({ status }) => status === "fulfilled").length;
    }
  }
}
