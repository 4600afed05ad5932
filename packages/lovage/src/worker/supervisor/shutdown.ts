/**
 * How a node ends. Warm: takes nothing more, finishes what runs, exit code 0. Cold: gives everything back at once, exit code 1, within
 * 2 s whatever user code does. A second wish while one is under way makes it cold, and so does a store that stays away when nothing
 * runs any more. It installs no signal handlers.
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
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
  /** User code has control in some runner, or nobody can say. */
  busy(): Promise<boolean>;
  /** Monotonic time at which the store last answered. */
  storeAnsweredAt(): number;
}

/** Of the 2 s: what runs may end in the first, its results are kept; then it is killed, and what it held goes back. */
const handBackMs = 400;
const killAfterMs = 1000;
/** A store that does not answer must not keep us: its reaper, or our next start, settles the rest. */
const settleWithinMs = 2000;
/** Nothing runs and the store is silent for so long: what is in flight stays there, for the reaper of another node. */
const leaveAfterMs = 10_000;
const lookEveryMs = 500;

export class Shutdown {
  readonly #options: ShutdownOptions;
  readonly ended: Promise<ExitCode>;
  #resolve: (code: ExitCode) => void = () => {};
  #warm: Promise<void> | undefined;
  #cold: Promise<void> | undefined;
  #isCold = false;
  #isOver = false;

  constructor(options: ShutdownOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get stopping(): boolean {
    return this.#warm !== undefined || this.#cold !== undefined;
  }

  /** A signal, or an operator: warm the first time, cold when asked again. After the end: nothing. */
  request(mode: "warm" | "cold"): void {
    if (this.#isOver) return;
    if (mode === "warm" && !this.stopping) void this.warm();
    else void this.cold(exitCodes.failed);
  }

  warm(): Promise<void> {
    this.#warm ??= this.#stopWarm();
    return this.#warm;
  }

  cold(code: ExitCode): Promise<void> {
    this.#cold ??= this.#stopCold(code);
    return this.#cold;
  }

  async #stopWarm(): Promise<void> {
    const { pool, log, stopIntake, deadlineMs } = this.#options;
    log.info("shutdown.warm", { runners: pool().members.length, deadlineMs });
    const timer = deadlineMs === null ? undefined : setTimeout(() => void this.cold(exitCodes.failed), deadlineMs);
    const emptied = new AbortController();
    void this.#leaveWithoutStore(emptied.signal);
    await stopIntake();
    await pool().stopReplacing();
    for (const member of pool().members) {
      member.endReason ??= "shutdown";
      pool().drain(member);
    }
    await pool().emptied();
    emptied.abort();
    clearTimeout(timer);
    // A cold stop that came in between ends the node.
    if (!this.#isCold) await this.#end("warm", exitCodes.ok);
  }

  /** Only a store can settle what is left to do: without one there is nothing to wait for. */
  async #leaveWithoutStore(emptied: AbortSignal): Promise<void> {
    const { clock, log, busy, storeAnsweredAt } = this.#options;
    for (let idleSince = clock.monotonic(); !emptied.aborted && !this.#isCold; ) {
      if (await busy()) idleSince = clock.monotonic();
      const silentMs = clock.monotonic() - storeAnsweredAt();
      if (silentMs >= leaveAfterMs && clock.monotonic() - idleSince >= leaveAfterMs) {
        log.error("shutdown.store-gone", { silentMs: Math.round(silentMs) });
        return this.cold(exitCodes.failed);
      }
      await clock.sleep(lookEveryMs, emptied).catch(() => undefined);
    }
  }

  async #stopCold(code: ExitCode): Promise<void> {
    const { pool, clock, log, stopIntake } = this.#options;
    this.#isCold = true;
    log.warn("shutdown.cold", { runners: pool().members.length });
    await Promise.all([stopIntake(), pool().stopReplacing()]);
    for (const member of pool().members) {
      member.endReason ??= "shutdown";
      member.runner.send({ t: "hand-back", epoch: member.epoch, graceMs: handBackMs });
    }
    const emptied = pool().emptied();
    await Promise.race([emptied, clock.sleep(killAfterMs)]);
    await Promise.all(pool().members.map((member) => pool().kill(member, "shutdown")));
    await Promise.race([emptied, clock.sleep(settleWithinMs)]);
    await this.#end("cold", code);
  }

  async #end(mode: "warm" | "cold", code: ExitCode): Promise<void> {
    const { log, clock, stopServices } = this.#options;
    await Promise.race([stopServices(mode), clock.sleep(settleWithinMs)]).catch((error: unknown) => {
      log.warn("shutdown.services-failed", { error });
    });
    log.info("shutdown.done", { code });
    this.#isOver = true;
    this.#resolve(code);
  }
}
