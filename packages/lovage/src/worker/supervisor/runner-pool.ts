/**
 * Keeps as many runners as the pool has: opens an epoch, spawns, replaces what is gone, and has settled what it left behind.
 * It decides nothing about tasks: whoever kills a runner (limits, cancel, shutdown) says so on the member.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Epoch } from "../../message/commit.ts";
import type { FromRunner, FromWatchdog, RunnerSpec } from "../../pool/protocol.ts";
import type { RunnerExit, RunnerHost } from "../../pool/runner-host.ts";
import { Autopsy } from "./autopsy.ts";
import { type Departed, type EndReason, type Member, newMember } from "./member.ts";
import { RespawnPace } from "./respawn-pace.ts";

export interface RunnerPoolOptions {
  readonly host: RunnerHost;
  readonly runners: number;
  readonly clock: Clock;
  readonly log: Logger;
  specFor(epoch: Epoch): RunnerSpec;
  /** Opens the epoch under the node's present id. */
  open(epoch: Epoch): Promise<void>;
  /** Closes its epoch and settles what it held. Retries by itself; never rejects. */
  settle(departed: Departed): Promise<void>;
  readonly listener: PoolListener;
}

/** What the other actors want to hear. */
export interface PoolListener {
  /** It is a member, and has done nothing yet. */
  onSpawned(member: Member): void;
  onReady(member: Member): void;
  onGone(departed: Departed): void;
  onMessage(member: Member, message: FromRunner): void;
  onWatchdog(member: Member, finding: FromWatchdog): void;
  /** No runner has ever been ready, and now as many as the pool holds have failed to start. Said once. */
  onHopeless(failure: { readonly code: string; readonly message: string }): void;
}

/** Milliseconds a runner that said `drained` may take to exit. */
const exitWithinMs = 3000;
/** Without any runner ready, so many failed starts are enough to call it hopeless. */
const mostHopelessStarts = 3;

/** Milliseconds from its start after which a runner that was ready, and is killed from outside, is no part of a crash loop. */
const settledInMs = 500;

/** Milliseconds that a runner beside the pool's own waits for these at most, and between two looks at them. */
const [aloneAfterMs, lookEveryMs] = [3000, 20];

/** From outside, as it might have been at any time: that says nothing about how it starts. */
const wasKilled = ({ member, death }: Departed): boolean => death.cause === "killed" && member.failure === null;

export class RunnerPool {
  readonly #options: RunnerPoolOptions;
  readonly #members = new Map<Epoch, Member>();
  readonly #pace = new RespawnPace();
  readonly #autopsy = new Autopsy();
  /** Exits whose work is not settled yet. */
  readonly #settling = new Set<Promise<void>>();
  readonly #spawning = new Set<Promise<void>>();
  /** Being spawned beside the pool's own. */
  readonly #beside = new Set<Promise<unknown>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #runners: number;
  #replacing = false;
  /** Replacements that wait for their time. */
  #scheduled = 0;
  #everReady = false;
  #startFailures = 0;
  #hopeless = false;

  constructor(options: RunnerPoolOptions) {
    this.#options = options;
    this.#runners = options.runners;
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Ready and not about to end. */
  get serving(): readonly Member[] {
    return this.members.filter((member) => member.stage === "ready");
  }

  /** Those that count towards the pool's size. */
  get lasting(): readonly Member[] {
    return this.members.filter((member) => !member.retired && !member.alone);
  }

  start(): void {
    this.#replacing = true;
    this.#fill();
  }

  /** Spawns what is missing; of what is too many somebody else says which. */
  resize(runners: number): void {
    this.#runners = runners;
    this.#fill();
  }

  /** From now on nothing is spawned. Resolves when what was being spawned is a member, or is not. */
  async stopReplacing(): Promise<void> {
    this.#replacing = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#scheduled = 0;
    await Promise.all(this.#spawning);
    await Promise.allSettled(this.#beside);
  }

  /** It takes no more work and a spare takes its place at once. */
  retire(member: Member): void {
    if (member.retired) return;
    member.retired = true;
    this.drain(member);
    this.#fill();
  }

  drain(member: Member): void {
    if (member.stage === "killing") return;
    member.stage = "draining";
    member.runner.send({ t: "drain", epoch: member.epoch });
  }

  /** Ends it for sure. Resolves when its code is gone. */
  async kill(member: Member, reason: EndReason): Promise<void> {
    member.endReason ??= reason;
    member.stage = "killing";
    await member.runner.kill();
  }

  /** When no runner is left and what they held is settled. */
  async emptied(): Promise<void> {
    await Promise.all(this.members.map((member) => member.runner.exited));
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  /**
   * A runner beside those of the pool, for what its epoch holds already. Resolves when it is gone and what it left is settled; false:
   * nothing is spawned any more. @throws when it cannot be spawned.
   */
  async runAlone(spec: RunnerSpec): Promise<boolean> {
    await this.#whole();
    if (!this.#replacing) return false;
    const hosted = this.#host(spec, true);
    this.#beside.add(hosted);
    const { gone } = await hosted.finally(() => this.#beside.delete(hosted));
    await gone;
    return true;
  }

  /** The pool's own runners come first: others would take from them what they need to start. Waits for so long and no longer. */
  async #whole(): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + aloneAfterMs;
    const isShort = () => this.lasting.filter(({ stage }) => stage === "ready").length < this.#runners;
    while (this.#replacing && isShort() && clock.monotonic() < until) await clock.sleep(lookEveryMs);
  }

  #fill(): void {
    if (!this.#replacing) return;
    const there = this.lasting.length + this.#spawning.size + this.#scheduled;
    for (let missing = this.#runners - there; missing > 0; missing--) this.#spawn();
  }

  #spawn(): void {
    const work: Promise<void> = this.#spawnOne()
      .catch((error: unknown) => {
        this.#options.log.error("runner.spawn-failed", { error });
        this.#replaceAfter(this.#pace.died(false, this.#options.clock.monotonic()));
      })
      .finally(() => this.#spawning.delete(work));
    this.#spawning.add(work);
  }

  async #spawnOne(): Promise<void> {
    const { specFor, open } = this.#options;
    const epoch = randomUUID();
    await open(epoch);
    await this.#host(specFor(epoch), false);
  }

  /** `gone`: it is, and what it left is settled. */
  async #host(spec: RunnerSpec, alone: boolean): Promise<{ readonly gone: Promise<void> }> {
    const { host, clock, log, listener } = this.#options;
    const { epoch } = spec;
    // What it says before `spawn` has resolved is kept until there is a member.
    const early: (() => void)[] = [];
    let member: Member | undefined;
    const hear = (word: (to: Member) => void) => {
      if (member) word(member);
      else early.push(() => word(member as Member));
    };
    const runner = await host.spawn(spec, {
      onMessage: (message) => hear((to) => this.#received(to, message)),
      onWatchdog: (finding) => hear((to) => listener.onWatchdog(to, finding)),
    });
    member = newMember(runner, clock.monotonic(), alone);
    this.#members.set(epoch, member);
    listener.onSpawned(member);
    log.debug("runner.spawned", { epoch, pid: runner.pid });
    for (const word of early) word();
    const gone = runner.exited.then((exit) => this.#exited(member as Member, exit));
    gone.catch((error: unknown) => log.error("runner.exit-unhandled", { epoch, error }));
    return { gone };
  }

  #received(member: Member, message: FromRunner): void {
    if (message.t === "ready") this.#ready(member);
    if (message.t === "recycle" && member.stage === "ready") member.stage = "draining";
    if (message.t === "failed") member.failure = { code: message.code, message: message.message };
    if (message.t === "drained" || message.t === "fenced" || message.t === "failed") this.#endSoon(member, message.t);
    this.#options.listener.onMessage(member, message);
  }

  #ready(member: Member): void {
    member.wasReady = true;
    this.#everReady = true;
    this.#pace.ready();
    if (member.stage === "starting") member.stage = "ready";
    const afterMs = Math.round(this.#options.clock.monotonic() - member.spawnedAt);
    this.#options.log.debug("runner.ready", { epoch: member.epoch, pid: member.runner.pid, afterMs, ...(member.alone && { alone: true }) });
    this.#options.listener.onReady(member);
    // The pool has become smaller while it was being started.
    if (!member.alone && this.lasting.length > this.#runners) {
      member.endReason ??= "shrink";
      this.retire(member);
    }
  }

  /** It said that it ends; handles left open by user code must not keep it. */
  #endSoon(member: Member, said: "drained" | "fenced" | "failed"): void {
    member.endReason ??= said === "fenced" ? "fenced" : said === "drained" ? "drained" : null;
    if (member.stage === "ready") member.stage = "draining";
    const timer = setTimeout(() => void this.kill(member, member.endReason), exitWithinMs);
    void member.runner.exited.then(() => clearTimeout(timer));
  }

  async #exited(member: Member, exit: RunnerExit): Promise<void> {
    const { log, settle, listener } = this.#options;
    const death = this.#autopsy.examine(member, exit);
    const departed = { member, exit, death };
    this.#members.delete(member.epoch);
    const expected = (member.endReason !== null && member.death === null) || exit.asNeighbour;
    const facts = { epoch: member.epoch, pid: member.runner.pid, code: exit.code, signal: exit.signal, reason: member.endReason, ...death };
    if (expected) log.info("runner.gone", facts);
    else log.warn("runner.died", { ...facts, ...member.failure });
    const settling: Promise<void> = settle(departed).finally(() => this.#settling.delete(settling));
    this.#settling.add(settling);
    listener.onGone(departed);
    if (!member.wasReady && !expected) this.#failedToStart(departed);
    const pauseMs = expected || member.alone ? 0 : this.#pauseAfter(departed);
    if (!member.retired && !member.alone) this.#replaceAfter(pauseMs);
    await settling;
  }

  #pauseAfter(departed: Departed): number {
    const { member, exit } = departed;
    const now = this.#options.clock.monotonic();
    if (member.wasReady && wasKilled(departed) && now - member.spawnedAt >= settledInMs) return 0;
    return this.#pace.died(member.wasReady || wasKilled(departed), now, exit.signal === null ? null : member.runner.pid);
  }

  #failedToStart({ member, exit }: Departed): void {
    const { listener } = this.#options;
    // A broker that is away is waited for; it says nothing about the app.
    if (member.failure?.code === "LOVAGE_BROKER_UNAVAILABLE") return;
    this.#startFailures += 1;
    // A runner that says why it cannot start will say so again; one that was killed may have been unlucky.
    const enough = member.failure ? Math.min(this.#runners, mostHopelessStarts) : mostHopelessStarts;
    if (this.#everReady || this.#hopeless || this.#startFailures < enough) return;
    this.#hopeless = true;
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    listener.onHopeless(
      member.failure ?? { code: "LOVAGE_RUNNER_DIED", message: `The runner process ended with ${how} before it was ready.` },
    );
  }

  #replaceAfter(pauseMs: number): void {
    if (!this.#replacing) return;
    if (pauseMs === 0) {
      this.#fill();
      return;
    }
    this.#scheduled += 1;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#scheduled -= 1;
      this.#fill();
    }, pauseMs);
    this.#timers.add(timer);
  }
}
