/**
 * How a node ends. Warm: takes nothing more, finishes what runs, exit code 0. Soft: the same with a few seconds' time. Cold: tells
 * what runs to stop, gives everything back, exit code 1, within 2 s whatever user code does. A further wish while one is under way
 * is for the next stage; a deadline, or a store that stays away when nothing runs any more, makes it cold. Installs no signal handlers.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface ShutdownOptions {
  readonly pool: () => RunnerPool;
  readonly clock: Clock;
  readonly log: Logger;
  /** No new work reaches the runners. */
  stopIntake(): Promise<void>;
  /** After the last runner is gone and its work settled; `mode` as it ended. */
  stopServices(mode: "warm" | "cold"): Promise<void>;
  /** Milliseconds after which a warm stop turns cold; null: it waits. */
  readonly deadlineMs: number | null;
  /** Milliseconds that what runs still gets before a cold stop; 0: none. */
  readonly softMs: number;
  /** User code has control in some runner, or nobody can say. */
  busy(): Promise<boolean>;
  /** Monotonic time at which the store last answered. */
  storeAnsweredAt(): number;
}

/** Of the 2 s: what runs may clean up and end in the first part, its results are kept; then it is killed, and what it held goes back. */
const handBackMs = 800;
const killAfterMs = 1300;
/** A store that does not answer must not keep us: its reaper, or our next start, settles the rest. */
const settleWithinMs = 2000;
const settleWithoutStoreMs = 500;
/**
 * Nothing has run for so long, and the store was silent: what is in flight stays there, for the reaper of another node. Together
 * with the cold stop that follows it is less than the ten seconds after which Docker kills.
 */
const leaveAfterMs = 4000;
/** Two beats went unanswered. */
const silentAfterMs = 5000;
const lookEveryMs = 500;

export class Shutdown {
  readonly #options: ShutdownOptions;
  readonly ended: Promise<ExitCode>;
  #resolve: (code: ExitCode) => void = () => {};
  #warm: Promise<void> | undefined;
  #isSoft = false;
  #cold: Promise<void> | undefined;
  #isOver = false;
  readonly #deadlines = new Set<NodeJS.Timeout>();
  /** Runners that take nothing more. */
  readonly #closed = new WeakSet<Member>();
  #intake: "open" | "closing" | "closed" = "open";

  constructor(options: ShutdownOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get stopping(): boolean {
    return this.#warm !== undefined || this.#cold !== undefined;
  }

  /** A signal, or an operator: warm the first time, the next stage when asked again. After the end: nothing. */
  request(mode: "warm" | "cold"): void {
    if (this.#isOver) return;
    if (mode === "warm" && !this.stopping) void this.warm();
    else if (this.#options.softMs > 0 && !this.#isSoft && this.#cold === undefined) this.#soft();
    else void this.cold(exitCodes.failed);
  }

  warm(): Promise<void> {
    if (this.#warm === undefined) {
      const { pool, log, deadlineMs } = this.#options;
      log.info("shutdown.warm", { runners: pool().members.length, deadlineMs });
      if (deadlineMs !== null) this.#coldAfter(deadlineMs);
      this.#warm = this.#finish();
    }
    return this.#warm;
  }

  cold(code: ExitCode): Promise<void> {
    this.#cold ??= this.#stopCold(code);
    return this.#cold;
  }

  /** The runner takes nothing more, or is gone. */
  closed(member: Member): void {
    this.#closed.add(member);
    this.#sayWhenClosed();
  }

  #soft(): void {
    const { pool, log, softMs } = this.#options;
    this.#isSoft = true;
    log.warn("shutdown.soft", { runners: pool().members.length, forMs: softMs });
    this.#coldAfter(softMs);
    this.#warm ??= this.#finish();
  }

  #coldAfter(ms: number): void {
    this.#deadlines.add(setTimeout(() => void this.cold(exitCodes.failed), ms));
  }

  async #finish(): Promise<void> {
    const { pool, stopIntake } = this.#options;
    const emptied = new AbortController();
    void this.#leaveWithoutStore(emptied.signal);
    this.#drainAll();
    await Promise.all([stopIntake(), pool().stopReplacing()]);
    // Those that were being started.
    this.#drainAll();
    this.#intake = "closing";
    this.#sayWhenClosed();
    await pool().emptied();
    emptied.abort();
    // A cold stop that came in between ends the node.
    if (this.#cold === undefined) await this.#end("warm", exitCodes.ok);
  }

  #drainAll(): void {
    const { pool } = this.#options;
    for (const member of pool().members) {
      member.endReason ??= "shutdown";
      pool().drain(member);
    }
  }

  /** What is sent from then on, no runner of this node begins. */
  #sayWhenClosed(): void {
    const { pool, log } = this.#options;
    if (this.#intake !== "closing" || pool().members.some((member) => !this.#closed.has(member))) return;
    this.#intake = "closed";
    log.info("shutdown.intake-closed");
  }

  /** Only a store can settle what is left to do: without one there is nothing to wait for. */
  async #leaveWithoutStore(emptied: AbortSignal): Promise<void> {
    const { clock, log, busy } = this.#options;
    for (let idleSince = clock.monotonic(); !emptied.aborted && this.#cold === undefined; ) {
      if (await busy()) idleSince = clock.monotonic();
      if (this.#storeIsSilent && clock.monotonic() - idleSince >= leaveAfterMs) {
        log.error("shutdown.store-gone", { silentMs: Math.round(this.#storeSilentMs) });
        return this.cold(exitCodes.failed);
      }
      await clock.sleep(lookEveryMs, emptied).catch(() => undefined);
    }
  }

  get #storeSilentMs(): number {
    const { clock, storeAnsweredAt } = this.#options;
    return clock.monotonic() - storeAnsweredAt();
  }

  get #storeIsSilent(): boolean {
    return this.#storeSilentMs >= silentAfterMs;
  }

  async #stopCold(code: ExitCode): Promise<void> {
    const { pool, clock, log, stopIntake } = this.#options;
    log.warn("shutdown.cold", { runners: pool().members.length });
    const handBack = () => {
      for (const member of pool().members) {
        member.endReason ??= "shutdown";
        member.runner.send({ t: "hand-back", epoch: member.epoch, graceMs: handBackMs });
      }
    };
    handBack();
    const closing = Promise.all([stopIntake(), pool().stopReplacing()]).then(handBack);
    const emptied = closing.then(() => pool().emptied());
    await Promise.race([emptied, clock.sleep(killAfterMs)]);
    await Promise.all(pool().members.map((member) => pool().kill(member, "shutdown")));
    const patienceMs = this.#storeIsSilent ? settleWithoutStoreMs : settleWithinMs;
    const isSettled = await Promise.race([emptied.then(() => true), clock.sleep(patienceMs).then(() => false)]);
    await this.#end("cold", code, isSettled ? settleWithinMs : settleWithoutStoreMs);
  }

  async #end(mode: "warm" | "cold", code: ExitCode, withinMs = settleWithinMs): Promise<void> {
    const { log, clock, stopServices } = this.#options;
    for (const timer of this.#deadlines) clearTimeout(timer);
    await Promise.race([stopServices(mode), clock.sleep(withinMs)]).catch((error: unknown) => {
      log.warn("shutdown.services-failed", { error });
    });
    log.info("shutdown.done", { code });
    this.#isOver = true;
    this.#resolve(code);
  }
}
