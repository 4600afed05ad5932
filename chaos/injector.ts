/** The faults of one campaign: which, when and to whom is drawn from the seed. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Chance, pick, type WorkerFault, type WorkerPart, type WorkerProcess } from "lovage/testing";
import type { Plan } from "./plan.ts";
import { type Site, startUntilReady } from "./site.ts";

export class Injector {
  /** By name, how often. */
  readonly counts = new Map<string, number>();
  readonly #plan: Plan;
  readonly #site: Site;
  readonly #chance: Chance;
  readonly #deck: WorkerPart[] = [];
  readonly #frozen = new Set<WorkerProcess>();
  #restarts = 0;

  constructor(plan: Plan, site: Site, chance: Chance) {
    this.#plan = plan;
    this.#site = site;
    this.#chance = chance;
  }

  get faults(): readonly WorkerFault[] {
    return this.#site.workers.flatMap(({ faults }) => faults);
  }

  /** Resolves when all is whole again: thawed, restarted, started anew. */
  async injectRound(round: number, over: AbortSignal): Promise<void> {
    const { restarts, freezes, zombies } = this.#plan;
    const parts = zombies.filter((zombie) => zombie.round === round).flatMap((zombie) => zombie.parts);
    await Promise.all([
      this.#killInTurn(over),
      restarts.includes(round) && this.#restartRedis(),
      freezes.includes(round) && this.#freezeRedis(),
      ...parts.map((part) => this.#freezeWorker(part)),
    ]);
  }

  async #killInTurn(over: AbortSignal): Promise<void> {
    const { kills, killsPerRound, pauseMs } = this.#plan;
    const [least, most] = pauseMs;
    const returns: Promise<unknown>[] = [];
    for (let killed = 0; killed < killsPerRound && kills.length > 0; ) {
      await sleep(least + this.#chance() * (most - least));
      if (over.aborted) break;
      if (this.#deck.length === 0) this.#deck.push(...kills);
      const [part] = this.#deck.splice(Math.floor(this.#chance() * this.#deck.length), 1) as [WorkerPart];
      const worker = this.#someWorker();
      if (worker?.kill(part, this.#chance) === undefined) continue;
      killed += 1;
      this.#count(`${part} killed`);
      if (part !== "runner") returns.push(worker.gone().then(() => startUntilReady(worker)));
    }
    await Promise.all(returns);
  }

  async #freezeWorker(part: WorkerPart): Promise<void> {
    await this.#beforeFault();
    const worker = this.#someWorker();
    const fault = worker?.freeze(part, this.#chance);
    if (worker === undefined || fault === undefined) throw new Error("There is no worker to freeze.");
    this.#frozen.add(worker);
    this.#count(`${part} frozen`);
    await sleep(this.#plan.frozenMs);
    worker.thaw(fault);
    this.#frozen.delete(worker);
  }

  async #freezeRedis(): Promise<void> {
    const { redis } = this.#site;
    if (redis === undefined) return;
    await this.#beforeFault();
    redis.pause();
    this.#count("Redis frozen");
    await sleep(this.#plan.frozenMs);
    redis.resume();
  }

  async #restartRedis(): Promise<void> {
    const { redis } = this.#site;
    if (redis === undefined) return;
    await this.#beforeFault();
    this.#restarts += 1;
    const killed = this.#restarts % 2 === 1;
    if (killed) process.kill(redis.pid, "SIGKILL");
    await redis.restart();
    this.#count(killed ? "Redis killed and restarted" : "Redis restarted");
  }

  /** While the round's load is under way. */
  #beforeFault = (): Promise<void> => sleep(200 + this.#chance() * 300);

  #someWorker(): WorkerProcess | undefined {
    return pick(
      this.#chance,
      this.#site.workers.filter((worker) => worker.ready && !this.#frozen.has(worker)),
    );
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}
