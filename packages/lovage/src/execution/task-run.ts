/** One run: what `currentRun()` gives, and what sending and waiting inside a task go through. Holds no timers and no I/O of its own. */
import { chordSize } from "../canvas/build.ts";
import { endingInTask } from "../canvas/empty-ends.ts";
import { tasksOf } from "../canvas/steps.ts";
import { ConfigError, UsageError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/logger.ts";
import { checkPriority } from "../kernel/priority.ts";
import { retryAfterMs } from "../kernel/retry-after.ts";
import type { ChordStart, Outgoing, Publication } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import { encodeResult } from "../message/results.ts";
import type { Signature, TaskId, TaskMessage } from "../message/task-message.ts";
import { inTrace, type TraceContext } from "../message/trace-context.ts";
import type { Execution } from "../middleware/middleware.ts";
import type { AmbientRun } from "../task/ambient.ts";
import type { AsyncResult } from "../task/async-result.ts";
import { callFrom, callOf } from "../task/calls.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import { familyOf } from "../task/family-stamps.ts";
import type { SendOptions } from "../task/send-options.ts";
import type { Prepared, Sender } from "../task/sender.ts";
import { type SignatureLike, signatureJson } from "../task/signature-like.ts";
import type { AnyTask, Callable } from "../task/task-definition.ts";
import { ControlFlow } from "./control-flow.ts";
import type { RetryRequestOptions, Run } from "./current-run.ts";
import type { ExecutionContext } from "./execution-context.ts";
import type { RunControls } from "./run-controls.ts";
import { eventLine, type RunEventData, type RunEventName } from "./run-events.ts";

/** `track: "python"` writes Celery's PROGRESS document at most this often; the log of our own gets every entry. */
const pythonProgressEveryMs = 250;

export class TaskRun implements Run, AmbientRun, Execution {
  readonly task: AnyTask;
  message: TaskMessage;
  error: unknown;
  readonly #controls: RunControls;
  readonly #context: ExecutionContext;
  #children: ResultTuple[] | undefined;
  #messages: Outgoing[] | undefined;
  #chords: ChordStart[] | undefined;
  #addsToChord = 0;
  #added = 0;
  #lastPythonProgress = Number.NEGATIVE_INFINITY;

  constructor(task: AnyTask, message: TaskMessage, controls: RunControls, context: ExecutionContext) {
    this.task = task;
    this.message = message;
    this.#controls = controls;
    this.#context = context;
  }

  get sender(): Sender {
    return this.#context.sender;
  }
  get id(): TaskId {
    return this.message.id;
  }
  get rootId(): TaskId {
    return this.message.rootId ?? this.message.id;
  }
  get parentId(): TaskId | null {
    return this.message.parentId;
  }
  get groupId(): string | null {
    return this.message.groupId;
  }
  get taskName(): string {
    return this.message.task;
  }
  get retries(): number {
    return this.message.retries;
  }
  get redelivered(): boolean {
    return this.message.redelivered;
  }
  get queue(): string {
    return this.message.routingKey;
  }
  get hostname(): string {
    return this.#controls.nodeName;
  }
  get headers(): Readonly<Record<string, unknown>> {
    return this.message.headers;
  }
  get tags(): readonly string[] {
    return familyOf(this.message)?.tags ?? [];
  }
  get correlationId(): string {
    return familyOf(this.message)?.correlation ?? this.rootId;
  }
  get idempotencyKey(): string {
    return this.message.id;
  }
  get fencingToken(): string {
    const { epoch, number } = this.#controls.delivery;
    return `${epoch}/${number}`;
  }
  get signal(): AbortSignal {
    return this.#controls.signal;
  }
  get log(): Logger {
    return this.#controls.log;
  }
  /** Shared and never written to, as long as nothing was sent. */
  get children(): readonly ResultTuple[] {
    return this.#children ?? none;
  }
  get sends(): Publication | undefined {
    return this.#messages === undefined ? undefined : { messages: this.#messages, chords: this.#chords ?? [] };
  }

  get addsToChord(): number {
    return this.#addsToChord;
  }

  handOn(trace: TraceContext): void {
    this.message = { ...this.message, headers: inTrace(this.message.headers, trace) };
    this.#controls.handOn(trace);
  }

  throwIfAborted(): void {
    this.#controls.throwIfAborted();
  }

  progress(fraction: number | null, message?: string, data?: unknown): void {
    const at = this.#context.now();
    const clamped = fraction === null || Number.isNaN(fraction) ? null : Math.min(1, Math.max(0, fraction));
    const entry = { taskId: this.id, rootId: this.rootId, task: this.taskName, fraction: clamped, message: message ?? null, at };
    this.#controls.progress(data === undefined ? entry : { ...entry, data });
    if (this.task.settings.track === "python") this.#pythonProgress(at, { fraction: clamped, message: message ?? null, data });
  }

  emit<E extends RunEventName>(event: E, data: RunEventData<E>): Promise<boolean> {
    const { id: taskId, rootId, taskName: task } = this;
    const line = eventLine({ taskId, rootId, task, fraction: null, message: null, event, data, at: this.#context.now() });
    return this.#controls.emit({ taskId, rootId }, line);
  }

  #pythonProgress(at: number, meta: unknown): void {
    if (at - this.#lastPythonProgress < pythonProgressEveryMs) return;
    this.#lastPythonProgress = at;
    this.setState("PROGRESS", meta).catch((error: unknown) => this.log.warn("run.progress-unwritten", { error }));
  }

  setState(state: string, meta: unknown = null): Promise<void> {
    const { id, groupId, parentId } = this.message;
    const document = encodeResult({ taskId: id, state, result: meta, doneAtMs: this.#context.now(), groupId, parentId });
    return this.#controls.setState({ taskId: id, state, document, expiresMs: this.#context.resultExpiresMs });
  }

  retry({ after, ...options }: RetryRequestOptions = {}): never {
    checkPriority("Retry option priority", options.priority);
    const saidMs = retryAfterMs(after, this.#context.now());
    throw new ControlFlow({ kind: "retry", ...options, ...(saidMs !== undefined && options.delayMs === undefined && { delayMs: saidMs }) });
  }

  replace(signature: unknown): never {
    throw new ControlFlow({ kind: "replace", signature: replacement(signatureJson(signature as SignatureLike), this.taskName) });
  }

  once<T>(key: string, work: () => T | PromiseLike<T>): Promise<T> {
    return this.#context.once(key, work);
  }

  async sendOnSuccess<P extends readonly unknown[], R>(
    what: Callable<P, R> | AnyCanvas | SignatureLike,
    argsOrOptions?: P | SendOptions,
    options?: SendOptions,
  ): Promise<AsyncResult<R>> {
    const prepared = await ("si" in what
      ? this.sender.prepare(callOf(what, (argsOrOptions as P | undefined) ?? []), options)
      : this.sender.prepare(callFrom(what), argsOrOptions as SendOptions | undefined));
    return this.#sendLater(prepared) as AsyncResult<R>;
  }

  async addToChord(member: unknown): Promise<unknown> {
    const { chord, groupId, groupIndex } = this.message;
    if (chord === null || groupId === null)
      throw new UsageError("LOVAGE_NOT_IN_A_CHORD", `Task "${this.taskName}" is no member of a chord: there is nothing to add to.`);
    const signature = endingInTask(signatureJson(member as SignatureLike), () => this.queue || undefined, chord);
    this.#added += 1;
    const membership = { chord, group_id: groupId, ...(groupIndex !== null && { group_index: placeAfter(groupIndex, this.#added) }) };
    const prepared = await this.sender.prepare({ signature: { ...signature, options: { ...signature.options, ...membership } }, args: [] });
    this.#addsToChord += chordSize(signature);
    return this.#sendLater(prepared);
  }

  #sendLater(prepared: Prepared): Prepared["handle"] {
    this.#messages = [...(this.#messages ?? []), ...prepared.publication.messages];
    this.#chords = [...(this.#chords ?? []), ...(prepared.publication.chords ?? [])];
    for (const child of prepared.children) this.addChild(child);
    return prepared.handle;
  }

  publish(publication: Publication): Promise<void> {
    return this.#controls.publish(publication);
  }

  mustLive(): void {
    this.#controls.mustLive();
  }

  addChild(result: ResultTuple): void {
    this.#children ??= [];
    this.#children.push(result);
  }

  suspend<T>(work: Promise<T>): Promise<T> {
    return this.#controls.suspend(work);
  }
}

/**
 * Between a member and the next, so that results stand in the order in which members were added: Python gives all of them the
 * member's own index, and their order is chance (celery-wire.md §6.9). Exact for two levels of 65,535 in each.
 */
function placeAfter(index: number, count: number): number {
  const step = Number.isInteger(index) ? 2 ** -16 : 2 ** -32;
  return index + count * step;
}

/** Refused while its code can still be told. */
function replacement(signature: Signature, task: string): Signature {
  const problem = signature.options.chord
    ? "a signature that is in a chord already"
    : signature.subtask_type === "chain" && tasksOf(signature).length === 0
      ? "an empty chain"
      : undefined;
  if (problem === undefined) return signature;
  throw new ConfigError("LOVAGE_REPLACE_INVALID", `Cannot replace with ${problem}, as task "${task}" tried to.`);
}

const none: readonly ResultTuple[] = [];
