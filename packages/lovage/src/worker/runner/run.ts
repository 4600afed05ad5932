/**
 * One run of one delivery, as `execute` and user code see it: the abort signal, made only when somebody looks at it, and the
 * fenced ways out. Once the run is over or was abandoned, every one of them throws.
 */
import type { ProgressEntry, RunControls } from "../../execution/run-controls.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { DeliveryId, Publication, ResultRecord } from "../../message/commit.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import { inTrace, type TraceContext } from "../../message/trace-context.ts";
import { type AbortFlag, abortFlag, slotState } from "../../pool/slot-table.ts";
import { runFacts } from "../../task/run-facts.ts";
import { abortReason, runIsOver } from "./abort-reasons.ts";
import type { Held } from "./held.ts";
import type { Slots } from "./slots.ts";

/** What all runs of a runner share. */
export interface RunServices {
  readonly nodeName: string;
  readonly pid: number;
  readonly slots: Slots;
  readonly log: Logger;
  publish(publication: Publication): Promise<void>;
  progress(entry: ProgressEntry): void;
  emit: RunControls["emit"];
  markState(number: number, result: ResultRecord): Promise<"ok" | "fenced">;
}

export class Run implements RunControls {
  readonly held: Held;
  readonly row: number;
  readonly startedAt: number;
  readonly #services: RunServices;
  #controller: AbortController | undefined;
  #log: Logger | undefined;
  #over = false;
  #suspensions = 0;
  /** Its code has met the abort: what it throws from then on may come from it. */
  sawAbort = false;
  abandoned = false;
  /** The supervisor was told that this run has to stop; it waits to hear of the end. */
  endAwaited = false;
  /** An error of its code that nobody caught; it fails the run, whatever its handler returns. */
  stray: { readonly error: unknown } | undefined;

  /** `startedAt`: milliseconds of `monotonicMs`. */
  constructor(held: Held, row: number, startedAt: number, services: RunServices) {
    this.held = held;
    this.row = row;
    this.startedAt = startedAt;
    this.#services = services;
  }

  get delivery(): DeliveryId {
    return this.held.delivery.id;
  }

  get message(): TaskMessage {
    return this.held.message as TaskMessage;
  }

  get nodeName(): string {
    return this.#services.nodeName;
  }

  get pid(): number {
    return this.#services.pid;
  }

  get log(): Logger {
    this.#log ??= this.#services.log.child(runFacts(this.message));
    return this.#log;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.passAbortOn();
    }
    return this.#controller.signal;
  }

  get aborted(): AbortFlag {
    return this.#over ? abortFlag.abandoned : this.#services.slots.table.aborted(this.row);
  }

  throwIfAborted(): void {
    if (this.abandoned || this.#over) throw this.#overError();
    const flag = this.aborted;
    if (flag === abortFlag.none) return;
    this.sawAbort = true;
    throw this.#reason(flag);
  }

  handOn(trace: TraceContext): void {
    this.held.message = { ...this.message, headers: inTrace(this.message.headers, trace) };
  }

  async publish(publication: Publication): Promise<void> {
    this.mustLive();
    await this.#services.publish(publication);
  }

  /** What code that outlives its run reports is dropped; code that was abandoned is told to stop. */
  progress(entry: ProgressEntry): void {
    if (this.abandoned) throw this.#overError();
    if (!this.#over) this.#services.progress(entry);
  }

  emit(from: Parameters<RunControls["emit"]>[0], line: string): Promise<boolean> {
    if (this.abandoned) throw this.#overError();
    return this.#over ? Promise.resolve(false) : this.#services.emit(from, line);
  }

  async setState(record: ResultRecord): Promise<void> {
    this.mustLive();
    if ((await this.#services.markState(this.held.number, record)) === "fenced") throw this.#overError();
  }

  async suspend<T>(work: Promise<T>): Promise<T> {
    this.mustLive();
    const { slots } = this.#services;
    this.#suspensions += 1;
    if (this.#suspensions === 1) slots.suspend(this.row);
    try {
      return await work;
    } finally {
      this.#suspensions -= 1;
      if (this.#suspensions === 0 && !this.#over) await slots.resume(this.row, this.aborted !== abortFlag.none);
    }
  }

  /** The first reason stays. Awaits that took the signal see it now. */
  abort(flag: AbortFlag): void {
    this.#services.slots.table.abort(this.row, flag);
    this.passAbortOn();
  }

  /** The flag in the table was raised, by us or by the watchdog. */
  passAbortOn(): void {
    const flag = this.aborted;
    if (flag === abortFlag.none || this.#controller === undefined || this.#controller.signal.aborted) return;
    this.sawAbort = true;
    this.#controller.abort(this.abandoned ? this.#overError() : this.#reason(flag));
  }

  /** It was ended over its head: nothing it does counts any more, while its code may go on. */
  abandon(): void {
    this.abandoned = true;
    this.abort(abortFlag.abandoned);
    this.#services.slots.table.setState(this.row, slotState.abandoned);
  }

  /** Its code fails outside of any await; the signal says so, the outcome will. */
  failBy(error: unknown): void {
    this.stray ??= { error };
    this.abort(abortFlag.cancelled);
  }

  /** Its code has returned. */
  end(): void {
    this.#over = true;
  }

  mustLive(): void {
    if (this.#over || this.abandoned) throw this.#overError();
  }

  #reason(flag: AbortFlag): unknown {
    if (this.stray !== undefined) return this.stray.error;
    return abortReason(flag, this.message.task, this.message.id);
  }

  #overError(): Error {
    return runIsOver(this.message.task, this.message.id);
  }
}
