/** One round: chords from both clients, so many under way at a time, and kills as long as that many are; then the end of it all. */
import { setTimeout as sleep } from "node:timers/promises";
import { type App, createApp } from "lovage";
import { type Chance, chanceOf, startRedis } from "lovage/testing";
import { Python } from "../support/python.ts";
import { routes } from "./app.ts";
import { compose, type Drawn, drawChord } from "./draw.ts";
import { KillsFleet, type Victim, victims } from "./fleet.ts";
import { Journal, runsKey } from "./journal.ts";
import { judge, type Verdict } from "./judge.ts";
import { RedisLine } from "./redis-line.ts";

export interface Plan {
  readonly seed: number;
  readonly chords: number;
  /** As many are kept under way as long as there are more to send. */
  readonly underWay: number;
  /** Kills stop for good when fewer are under way. */
  readonly killFrom: number;
  /** And after so many: what is lost stays under way for ever. */
  readonly mostKills: number;
  /** Milliseconds between two kills: at least, at most. */
  readonly pause: readonly [number, number];
}

export interface Report extends Verdict {
  readonly plan: Plan;
  readonly kills: ReadonlyMap<Victim, number>;
  /** Fewest chords under way at any kill. */
  readonly fewest: number;
  readonly tookMs: number;
}

/** What kills hit: dealt in an order by chance, then dealt anew. Rarely Celery's parent: for the seconds that it takes to start, nothing ends on its side. */
const targets: readonly Victim[] = [...victims, "lovage runner", "lovage runner", "lovage supervisor", "celery child", "celery child"];
/** Chords sent at a time. */
const perBatch = 40;
/** Nothing was noted for longer than Python's visibility timeout: what is held comes back only when a worker starts. */
const stillMs = 6000;
/** Celery's workers are started anew so often for what stands still; what has not moved then will never. */
const mostRestarts = 3;

export async function playRound(plan: Plan): Promise<Report> {
  const begun = performance.now();
  const redis = await startRedis();
  const url = `${redis.url}/0`;
  const line = await RedisLine.open(url);
  const round = new Round(plan, url, new Journal(line));
  try {
    await round.play();
    const kills = round.kills;
    return { plan, kills, fewest: round.fewest, tookMs: performance.now() - begun, ...(await round.judge()) };
  } finally {
    await round.close();
    line.close();
    await redis.stop();
  }
}

class Round {
  readonly kills = new Map<Victim, number>(victims.map((victim) => [victim, 0]));
  fewest = Number.POSITIVE_INFINITY;
  readonly #plan: Plan;
  readonly #journal: Journal;
  readonly #fleet: KillsFleet;
  readonly #python: Python;
  readonly #app: App;
  readonly #drawn: readonly Drawn[];
  readonly #ids = new Set<string>();
  #allSent = false;

  constructor(plan: Plan, url: string, journal: Journal) {
    this.#plan = plan;
    this.#journal = journal;
    this.#fleet = new KillsFleet(url);
    this.#python = new Python(this.#fleet.client);
    this.#app = createApp({ name: "client", broker: url, routes, typedValues: false, environment: false, folder: false });
    const chance = chanceOf(plan.seed);
    this.#drawn = Array.from({ length: plan.chords }, (_, i) => drawChord(chance, String(i)));
  }

  async play(): Promise<void> {
    await this.#fleet.ready();
    await Promise.all([this.#feed(), this.#killAtRandom(chanceOf(this.#plan.seed ^ 0x5eed))]);
    await this.#fleet.settled();
    await this.#settle();
  }

  async judge(): Promise<Verdict> {
    const noted = await this.#python.eval<number>("redis('LLEN', given)", runsKey);
    if (noted !== this.#journal.runCount) throw new Error(`The journal has ${this.#journal.runCount} of ${noted} runs.`);
    return judge(this.#drawn, this.#journal, await this.#left());
  }

  async close(): Promise<void> {
    await this.#fleet.close();
    await this.#app.close();
  }

  get #done(): number {
    let done = 0;
    for (const id of this.#ids) if (this.#journal.results.has(id)) done += 1;
    return done;
  }

  get #underWay(): number {
    return this.#ids.size - this.#done;
  }

  /** Half of each batch is sent by Python, one after the other: its client shares one subscription among threads. */
  async #feed(): Promise<void> {
    for (let at = 0; at < this.#drawn.length; ) {
      const room = Math.min(perBatch, this.#plan.underWay - this.#underWay);
      const batch = this.#drawn.slice(at, at + Math.max(0, room));
      const half = batch.length >> 1;
      const [theirs, ours] = await Promise.all([
        this.#python.eval<string[]>("list(map(__import__('tasks').send, given))", batch.slice(0, half)),
        Promise.all(batch.slice(half).map((drawn) => this.#app.send(compose(drawn)))),
      ]);
      for (const id of [...theirs, ...ours.map((result) => (result as { id: string }).id)]) this.#ids.add(id);
      at += batch.length;
      await sleep(10);
    }
    this.#allSent = true;
  }

  async #killAtRandom(chance: Chance): Promise<void> {
    const { killFrom, mostKills, pause } = this.#plan;
    const [least, most] = pause;
    const deck: Victim[] = [];
    while (this.#underWay < killFrom && !this.#allSent) await sleep(10);
    for (let killed = 0; killed < mostKills; ) {
      await sleep(least + chance() * (most - least));
      const underWay = this.#underWay;
      if (underWay < killFrom && this.#allSent) return;
      if (underWay < killFrom) continue;
      if (deck.length === 0) deck.push(...targets);
      const [victim] = deck.splice(Math.floor(chance() * deck.length), 1) as [Victim];
      if (!this.#fleet.kill(victim, chance)) continue;
      killed += 1;
      this.kills.set(victim, (this.kills.get(victim) ?? 0) + 1);
      this.fewest = Math.min(this.fewest, underWay);
    }
  }

  /** Until every chord has its result and nothing is left, or nothing moves any more. */
  async #settle(): Promise<void> {
    for (let restarts = 0; restarts < mostRestarts; restarts += 1) {
      await this.#still();
      if (await this.#isEmpty()) return;
      await this.#fleet.restartCelery();
    }
    await this.#still();
  }

  async #still(): Promise<void> {
    let noted = -1;
    for (let since = performance.now(); performance.now() - since < stillMs; await sleep(100)) {
      if (noted !== this.#journal.noted) since = performance.now();
      noted = this.#journal.noted;
      if (this.#underWay === 0 && (await this.#isEmpty())) return;
    }
  }

  #isEmpty = async (): Promise<boolean> => (await this.#left()).every((count) => count === 0);
  #left = (): Promise<number[]> => this.#python.eval<number[]>("__import__('tasks').left()");
}
