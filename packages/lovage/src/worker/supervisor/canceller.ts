/**
 * Ends runs that were revoked with `terminate`: first by asking (the abort flag and the runner's own signal), and if they have not
 * ended in time, by ending their runner. REVOKED is written when the code is gone, not before. It works from what the
 * store holds for a runner, so a runner that hears nothing because user code blocks it is cancelled all the same.
 */
import type { Bus } from "../../broker/bus.ts";
import { isMeant, type Revocable, type Revoke, type Revokes } from "../../broker/revokes.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service, type StopOptions } from "../../kernel/service.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { Outcome } from "../../message/outcome.ts";
import { blockedAfterMs } from "../../pool/watchdog.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface CancellerOptions {
  readonly pool: () => RunnerPool;
  readonly slots: number;
  readonly canKill: boolean;
  readonly revokes: Revokes;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  held(epoch: Epoch): Promise<readonly Delivery[]>;
  /** What a delivery can be revoked by, read cheaply. */
  revocable(delivery: Delivery): Revocable;
}

const channel = "revokes";
/** The bus may lose an announcement; looking costs one call, and only while something runs. */
const lookEveryMs = 5000;

export const terminated: Outcome = { kind: "revoked", reason: "terminated" };

export class Canceller implements Service {
  readonly #options: CancellerOptions;
  readonly #poll: Service;
  /** `epoch number` of runs that were asked to end, with the timer of their runner's end. */
  readonly #asked = new Map<string, NodeJS.Timeout>();
  #version: number | undefined;
  #abort = new AbortController();
  #listening: Promise<void> | undefined;

  constructor(options: CancellerOptions) {
    this.#options = options;
    const onError = (error: unknown) => options.log.warn("canceller.look-failed", { error });
    this.#poll = createLoop({ clock: options.clock, everyMs: lookEveryMs, turn: () => this.#pollTurn(), onError });
  }

  async start(): Promise<void> {
    this.#abort = new AbortController();
    this.#listening ??= this.#listen(this.#abort.signal);
    await this.#poll.start();
  }

  async stop(how: StopOptions): Promise<void> {
    this.#abort.abort();
    for (const timer of this.#asked.values()) clearTimeout(timer);
    this.#asked.clear();
    await Promise.all([this.#listening, this.#poll.stop(how)]);
    this.#listening = undefined;
  }

  /** A runner has told a run to stop. */
  asked(member: Member, number: number, killAfterMs: number): void {
    const key = keyOf(member, number);
    if (this.#asked.has(key)) return;
    // However its code comes to its end now, by itself or with a neighbour's process.
    member.verdicts.set(number, terminated);
    const timer = setTimeout(() => void this.#overdue(member, number), killAfterMs);
    this.#asked.set(key, timer);
  }

  ended(member: Member, number: number): void {
    this.#forget(keyOf(member, number));
  }

  gone(member: Member): void {
    for (const key of this.#asked.keys()) if (key.startsWith(`${member.epoch} `)) this.#forget(key);
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { bus, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const _ of bus.subscribe([channel], signal)) await this.#look();
      } catch (error) {
        if (!signal.aborted) log.warn("canceller.bus-failed", { error });
      }
      await clock.sleep(500, signal).catch(() => undefined);
    }
  }

  async #pollTurn(): Promise<undefined> {
    // What stood there before this node started concerns nothing that runs here; runners refuse it at their gate.
    if (this.#version === undefined) this.#version = (await this.#options.revokes.since(0)).version;
    else if (await this.#anythingRuns()) await this.#look();
    return undefined;
  }

  /** Asked over the watchdogs' pipes, so that an idle node says nothing to the store. */
  async #anythingRuns(): Promise<boolean> {
    const slots = await Promise.all(this.#options.pool().members.map(({ runner }) => runner.slots(1000).catch(() => null)));
    return slots.some((answer) => answer === null || answer.taken.length > 0);
  }

  async #look(): Promise<void> {
    const { revokes, pool } = this.#options;
    const { version, revokes: fresh } = await revokes.since(this.#version ?? 0);
    if (this.#version !== undefined && version === this.#version) return;
    this.#version = version;
    const members = pool().members;
    for (const member of members) member.runner.send({ t: "revokes", epoch: member.epoch });
    const terminating = fresh.filter((revoke) => revoke.terminate);
    if (terminating.length > 0) await Promise.all(members.map((member) => this.#cancelIn(member, terminating)));
  }

  async #cancelIn(member: Member, terminating: readonly Revoke[]): Promise<void> {
    const { held, revocable } = this.#options;
    const running = new Set((await member.runner.slots(1000)).taken.map(({ number }) => number));
    for (const delivery of await held(member.epoch)) {
      const { number } = delivery.id;
      const what = revocable(delivery);
      const revoke = terminating.find((each) => isMeant(what, each));
      // What has not started is the gate's.
      if (!revoke || !running.has(number)) continue;
      member.runner.cancel(number);
      this.asked(member, number, revoke.killAfterMs);
    }
  }

  async #overdue(member: Member, number: number): Promise<void> {
    const { pool, slots, canKill, log } = this.#options;
    this.#asked.delete(keyOf(member, number));
    try {
      const { taken, loopLagMs } = await member.runner.slots(1000);
      if (!taken.some((slot) => slot.number === number)) return;
      if (!canKill) {
        log.warn("task.cannot-be-killed", { number, pool: "inline" });
        return;
      }
      log.warn("task.terminating", { epoch: member.epoch, pid: member.runner.pid, number });
      if (slots === 1 || loopLagMs >= blockedAfterMs) {
        await pool().kill(member, "cancelled");
        return;
      }
      member.runner.send({ t: "abandon", epoch: member.epoch, number });
      pool().retire(member);
    } catch (error) {
      // It does not even answer by its watchdog.
      log.error("task.terminating-failed", { epoch: member.epoch, number, error });
      if (canKill) await pool().kill(member, "cancelled");
    }
  }

  #forget(key: string): void {
    clearTimeout(this.#asked.get(key));
    this.#asked.delete(key);
  }
}

const keyOf = (member: Member, number: number): string => `${member.epoch} ${number}`;
