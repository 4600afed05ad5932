/**
 * The runs that have control: starts them, aborts them, and turns their ends into outcomes that are right for how they
 * ended. Fetches nothing and commits nothing itself.
 */
import type { App } from "../../app/app.ts";
import type { Revoke } from "../../broker/revokes.ts";
import { execute } from "../../execution/execute.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Outcome } from "../../message/outcome.ts";
import { encodeResult } from "../../message/results.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import { type AbortFlag, abortFlag, cancelFlag, monotonicMs } from "../../pool/slot-table.ts";
import { runFacts } from "../../task/run-facts.ts";
import type { AnyTask } from "../../task/task-definition.ts";
import { failure } from "../../upkeep/ended-outcomes.ts";
import type { Admission } from "./admission.ts";
import type { Held } from "./held.ts";
import { type AppLimits, hardLimitMs, softLimitMs } from "./limits.ts";
import type { Marker } from "./marker.ts";
import type { NodeLimits } from "./node-limits.ts";
import type { RevokeList } from "./revoke-list.ts";
import { Run, type RunServices } from "./run.ts";

/** How a run ended: an outcome to commit, or a message to give back because the worker stopped it. */
export type RunEnd = { readonly kind: "outcome"; readonly outcome: Outcome; readonly runtimeMs: number } | { readonly kind: "hand-back" };

export interface RunsOptions {
  readonly app: App;
  readonly services: RunServices;
  readonly marker: Marker;
  readonly admission: Admission;
  readonly log: Logger;
  readonly limits: AppLimits;
  readonly changedLimits: NodeLimits;
  /** The app's `taskAcksLate` and `taskTrackStarted`. */
  readonly acksLate: boolean;
  readonly trackStarted: boolean;
  readonly resultExpiresMs: number | null;
  /** User code is about to get control; it gets it when what is said of that has left. undefined: nothing is said. */
  onStarted(message: TaskMessage): Promise<void> | undefined;
  /** The code of a run has returned and its slot is free. */
  onEnded(run: Run, end: RunEnd): void;
  /** The delivery was ended by somebody else before its code got control. */
  onLost(held: Held): void;
  /** There was no room for it at its limits: it waits elsewhere, and its slot is free. */
  onParked(held: Held): void;
  /** Its limits cannot be asked: it is put off. */
  onPutOff(held: Held): void;
  /** Whether it was revoked, or expired, while its marks were on the way: how it ends then. */
  refusal(held: Held): Promise<Outcome | null>;
  /** It ends so, and its code does not get control. */
  onRefused(held: Held, outcome: Outcome): void;
  /** A run was told to stop; whoever has to kill it otherwise must know. */
  onCancelling(run: Run, revoke: Revoke): void;
}

export class Runs {
  readonly #options: RunsOptions;
  readonly #runs = new Map<number, Run>();
  #starting = 0;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  /** Runs whose code has control, suspended and abandoned ones included. */
  get size(): number {
    return this.#runs.size;
  }

  /** Taken slots whose code waits for the store to note their marks. */
  get starting(): number {
    return this.#starting;
  }

  get(number: number): Run | undefined {
    return this.#runs.get(number);
  }

  values(): IterableIterator<Run> {
    return this.#runs.values();
  }

  /** A slot must be open. */
  start(held: Held, task: AnyTask): void {
    held.stage = "running";
    const row = this.#options.services.slots.take();
    const { message } = held;
    if (message !== null && this.#options.admission.concerns(message, task)) void this.#admit(held, message, task, row);
    else this.#prepare(held, task, row);
  }

  /** Its slot is kept for it while the store is asked. */
  async #admit(held: Held, message: TaskMessage, task: AnyTask, row: number): Promise<void> {
    const { admission, services, refusal, log, onLost, onParked, onPutOff, onRefused } = this.#options;
    this.#starting += 1;
    const answer = await admission
      .ask(held, message, task)
      .catch((error: unknown) => ({ kind: "failed", outcome: failure(error, "invalid-arguments", true) }) as const);
    const refused = answer.kind === "granted" ? await refusal(held).catch(() => null) : null;
    this.#starting -= 1;
    if (answer.kind === "granted" && refused === null) return this.#prepare(held, task, row);
    services.slots.free(row, false);
    if (answer.kind === "granted" && refused !== null) onRefused(held, refused);
    else if (answer.kind === "failed") onRefused(held, answer.outcome);
    else if (answer.kind === "parked") onParked(held);
    else if (answer.kind === "fenced") onLost(held);
    else {
      log.error("runner.limit-unusable", { ...(message ? runFacts(message) : { task: task.name }), ...answer });
      onPutOff(held);
    }
  }

  #prepare(held: Held, task: AnyTask, row: number): void {
    const acksLate = task.settings.acksLate ?? this.#options.acksLate;
    const tracked = task.settings.trackStarted ?? this.#options.trackStarted;
    if (acksLate && !tracked) this.#begin(held, task, row);
    else void this.#mark(held, task, row, { ackEarly: !acksLate && !held.delivery.ackedEarly, started: tracked });
  }

  /**
   * The marks are in the store before user code starts: an early acknowledgement, so that from then on nobody runs it again;
   * STARTED, because code that does not await would keep it from being written until its end.
   */
  async #mark(held: Held, task: AnyTask, row: number, { ackEarly, started }: { ackEarly: boolean; started: boolean }): Promise<void> {
    const { marker, services, onLost, refusal, onRefused } = this.#options;
    this.#starting += 1;
    const [reply] = await Promise.all([
      ackEarly ? marker.ackEarly(held.number) : "ok",
      started ? this.#markStarted(held, task) : undefined,
    ]);
    const refused = await refusal(held).catch(() => null); // closed: the epoch is, too
    this.#starting -= 1;
    if (reply === "ok" && refused === null) return this.#begin(held, task, row);
    services.slots.free(row, false);
    if (reply === "ok" && refused !== null) onRefused(held, refused);
    else onLost(held);
  }

  #begin(held: Held, task: AnyTask, row: number): void {
    const { app, services, limits, changedLimits, onStarted } = this.#options;
    const message = held.message;
    if (message === null) throw new Error("a delivery was started before it was decoded");
    const startedAt = monotonicMs();
    const changed = changedLimits.of(task.name);
    const softMs = softLimitMs(message, task, limits, changed);
    const hardMs = hardLimitMs(message, task, limits, changed);
    services.slots.table.take(row, held.number, startedAt, softMs && startedAt + softMs, hardMs && startedAt + hardMs);
    const run = new Run(held, row, startedAt, services);
    this.#runs.set(held.number, run);
    const said = onStarted(message);
    const running =
      said === undefined ? execute(task, message, run, app.execution) : said.then(() => execute(task, message, run, app.execution));
    running.then(
      (outcome) => this.#end(run, outcome),
      (error: unknown) => this.#end(run, failure(error, "exception", true)),
    );
  }

  /** Never rejects: a task runs, though nobody is told. */
  async #markStarted({ message, number }: Held, task: AnyTask): Promise<void> {
    const { marker, services, resultExpiresMs, log } = this.#options;
    if (message === null || (message.ignoreResult ?? task.settings.ignoreResult)) return;
    const result = { pid: services.pid, hostname: services.nodeName };
    const { groupId, parentId } = message;
    const document = encodeResult({ taskId: message.id, state: "STARTED", result, doneAtMs: 0, groupId, parentId });
    const record = { taskId: message.id, state: "STARTED", document, expiresMs: resultExpiresMs };
    try {
      await marker.state({ kind: "state", number, result: record });
    } catch (error) {
      log.warn("runner.started-unmarked", { ...runFacts(message), error });
    }
  }

  #end(run: Run, outcome: Outcome): void {
    const { services, onEnded } = this.#options;
    const end = judgeEnd(run, outcome, run.aborted, monotonicMs() - run.startedAt);
    this.#runs.delete(run.held.number);
    run.end();
    services.slots.free(run.row, true);
    onEnded(run, end);
  }

  /** The flag of the slot table stands already, or stands now: let awaits see it. */
  abort(number: number, flag: AbortFlag): void {
    this.#runs.get(number)?.abort(flag);
  }

  abortAll(flag: AbortFlag): void {
    for (const run of this.#runs.values()) run.abort(flag);
  }

  abandonAll(): void {
    for (const run of this.#runs.values()) run.abandon();
  }

  /** Of those that run, what is revoked and is to stop. Rejects only when closed. */
  async cancelRevoked(revokes: RevokeList): Promise<void> {
    const suspects = [...this.#runs.values()].filter(({ message }) => revokes.mayRefuse(message));
    if (suspects.length === 0) return;
    const standing = await revokes.refused(suspects.map(({ message }) => message));
    for (const run of suspects) {
      const revoke = standing.get(run.message);
      if (revoke?.terminate === true && this.#runs.get(run.held.number) === run) this.#cancel(run, revoke);
    }
  }

  #cancel(run: Run, revoke: Revoke): void {
    if (run.abandoned || run.endAwaited) return;
    run.endAwaited = true;
    run.abort(cancelFlag(revoke));
    this.#options.onCancelling(run, revoke);
  }
}

/** What code throws because it was told to stop is not its own failure. */
function judgeEnd(run: Run, outcome: Outcome, flag: AbortFlag, runtimeMs: number): RunEnd {
  if (run.stray !== undefined) return { kind: "outcome", outcome: failure(run.stray.error, "exception", true), runtimeMs };
  const stopped = run.sawAbort && (outcome.kind === "failure" || outcome.kind === "retry");
  if (stopped && flag === abortFlag.shutdown) return { kind: "hand-back" };
  if (stopped && (flag === abortFlag.cancelled || flag === abortFlag.cancelledSoftly))
    return { kind: "outcome", outcome: { kind: "revoked", reason: "terminated" }, runtimeMs };
  // Node's own awaits say AbortError and keep our reason as its cause; Celery's callers look for the limit's name.
  const byLimit = stopped && flag === abortFlag.softLimit && outcome.error.exc_type === "AbortError";
  if (byLimit) return { kind: "outcome", outcome: failure(run.signal.reason, "soft-time-limit", true), runtimeMs };
  return { kind: "outcome", outcome, runtimeMs };
}

/** The app's share of what decides about a run. */
export function runSettings(app: App): Pick<RunsOptions, "limits" | "acksLate" | "trackStarted" | "resultExpiresMs"> {
  const { config } = app;
  return {
    limits: { soft: config.taskSoftTimeLimit, hard: config.taskTimeLimit },
    acksLate: config.taskAcksLate,
    trackStarted: config.taskTrackStarted,
    resultExpiresMs: app.execution.resultExpiresMs,
  };
}
