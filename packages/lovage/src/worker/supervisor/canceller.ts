/**
 * Ends runs that were revoked with `terminate`: first by asking (the abort flag and the runner's own signal), and if they have not
 * ended in time, by ending their runner. REVOKED is written when the code is gone, not before. It works from what the
 * store holds for a runner, so a runner that hears nothing because user code blocks it is cancelled all the same.
 */
import type { Bus } from "../../broker/bus.ts";
import { type Revocable, type Revokes, standingFor } from "../../broker/revokes.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { LogFields, Logger } from "../../kernel/logger.ts";
import { createLoop, type Service, type StopOptions } from "../../kernel/service.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import { peekHeaders } from "../../message/decode.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { TaskId } from "../../message/task-message.ts";
import type { Cancelling } from "../../pool/protocol.ts";
import { blockedAfterMs } from "../../pool/watchdog.ts";
import { runFacts } from "../../task/run-facts.ts";
import type { CancelNotes } from "./cancel-notes.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface CancellerOptions {
  readonly pool: () => RunnerPool;
  readonly slots: number;
  readonly canKill: boolean;
  readonly revokes: Revokes;
  readonly bus: Bus;
  readonly notes: CancelNotes;
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
  /** `epoch number` of runs that were asked to end, with the timer of their runner's end, if it is to come. */
  readonly #asked = new Map<string, { readonly taskId: TaskId; readonly timer: NodeJS.Timeout | undefined }>();
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
    for (const { timer } of this.#asked.values()) clearTimeout(timer);
    this.#asked.clear();
    await Promise.all([this.#listening, this.#poll.stop(how)]);
    this.#listening = undefined;
  }

  /** A run has been told to stop, by its runner or by us. */
  asked(member: Member, { number, taskId, killAfterMs, signal }: Cancelling): void {
    const key = keyOf(member, number);
    if (this.#asked.has(key)) return;
    // However its code comes to its end now, by itself or with a neighbour's process.
    member.verdicts.set(number, terminated);
    const timer = killAfterMs === null ? undefined : setTimeout(() => void this.#overdue(member, number), killAfterMs);
    this.#asked.set(key, { taskId, timer });
    this.#options.notes.cancelling(taskId);
    // A soft end is told by the abort flag, and SIGKILL is our own last step.
    if (signal !== undefined && signal !== "SIGUSR1" && signal !== "SIGKILL") member.runner.signal(signal as NodeJS.Signals);
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
    if (this.#version === undefined) this.#version = (await this.#options.revokes.since(0, 0)).latest;
    else if (await this.#anythingRuns()) await this.#look();
    return undefined;
  }

  /** Asked over the watchdogs' pipes, so that an idle node says nothing to the store. */
  async #anythingRuns(): Promise<boolean> {
    const slots = await Promise.all(this.#options.pool().members.map(({ runner }) => runner.slots(1000).catch(() => null)));
    return slots.some((answer) => answer === null || answer.taken.length > 0);
  }

  /** The list itself is not read here: it may be long, and little runs. */
  async #look(): Promise<void> {
    const { revokes, pool } = this.#options;
    const { latest } = await revokes.since(0, 0);
    if (latest === this.#version) return;
    for (const member of pool().members) member.runner.send({ t: "revokes", epoch: member.epoch });
    await Promise.all(pool().members.map((member) => this.#cancelIn(member)));
    this.#version = latest;
  }

  async #cancelIn(member: Member): Promise<void> {
    const { revokes, held, revocable } = this.#options;
    const running = new Set((await member.runner.slots(1000)).taken.map(({ number }) => number));
    if (running.size === 0) return;
    // What has not started is the gate's.
    const runs = (await held(member.epoch)).flatMap((delivery) => {
      const { number } = delivery.id;
      return running.has(number) && !this.#asked.has(keyOf(member, number)) ? { ...revocable(delivery), number } : [];
    });
    for (const [{ number, id }, { terminate, killAfterMs, signal }] of await standingFor(revokes, runs)) {
      if (!terminate) continue;
      member.runner.cancel(number, signal);
      this.asked(member, { number, taskId: id ?? "", killAfterMs, ...(signal !== undefined && { signal }) });
    }
  }

  async #overdue(member: Member, number: number): Promise<void> {
    const { pool, slots, canKill, log } = this.#options;
    try {
      const { taken, loopLagMs } = await member.runner.slots(1000);
      if (!taken.some((slot) => slot.number === number)) {
        this.ended(member, number);
        return;
      }
      if (!canKill) {
        log.warn("task.cannot-be-killed", { ...(await this.#factsOf(member, number)), number, pool: "inline" });
        return;
      }
      // The end does not wait for a store that has to tell a name.
      void this.#factsOf(member, number).then((facts) =>
        log.warn("task.terminating", { ...facts, epoch: member.epoch, pid: member.runner.pid, number }),
      );
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

  /** For log lines. Never rejects. */
  async #factsOf(member: Member, number: number): Promise<LogFields> {
    const deliveries = await this.#options.held(member.epoch).catch(() => []);
    const delivery = deliveries.find(({ id }) => id.number === number);
    const named = delivery === undefined ? null : peekHeaders(delivery.bytes);
    return named === null ? {} : runFacts(named);
  }

  #forget(key: string): void {
    const asked = this.#asked.get(key);
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    this.#asked.delete(key);
    this.#options.notes.ended(asked.taskId);
  }
}

const keyOf = (member: Member, number: number): string => `${member.epoch} ${number}`;
