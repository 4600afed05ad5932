/**
 * One run of one task: binds the arguments, runs the handler inside its context and the middleware around it, and says how
 * it ended as data. Never throws: whatever user code does becomes an outcome. Commits nothing.
 */
import { backoffDelayMs } from "../kernel/backoff.ts";
import { durationSeconds } from "../kernel/durations.ts";
import { isLovageError, RetriesExhaustedError } from "../kernel/errors.ts";
import { retryAfterOf } from "../kernel/retry-after.ts";
import { fromExceptionRecord, toExceptionRecord } from "../message/exceptions.ts";
import type { FailureCause, Outcome, RetryPlan } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";
import { formatWireTime } from "../message/wire-time.ts";
import type { Middleware } from "../middleware/middleware.ts";
import { retryNumbers } from "../middleware/retries.ts";
import { ambientRuns } from "../task/ambient.ts";
import { bindArguments } from "../task/arguments.ts";
import type { ErrbackArgs, FailedRequest } from "../task/errback.ts";
import type { AnyTask } from "../task/task-definition.ts";
import { type Control, controlOf, type RetryRequest } from "./control-flow.ts";
import type { ExecutionContext } from "./execution-context.ts";
import type { RunControls } from "./run-controls.ts";
import { TaskRun } from "./task-run.ts";

export function execute(task: AnyTask, message: TaskMessage, controls: RunControls, context: ExecutionContext): Promise<Outcome> {
  const run = new TaskRun(task, message, controls, context);
  // Usually none is concerned: no list is made for it.
  let around: Middleware[] | undefined;
  for (const each of context.middleware) {
    if (each.execute === undefined || each.concerns?.(message, task) === false) continue;
    around ??= [];
    around.push(each);
  }
  return around === undefined ? attempt(run, context) : wrapped(run, context, around, 0).catch((error) => failed(run, error, "exception"));
}

/** A middleware that throws has failed the run: its promise is as good as the handler's. */
async function wrapped(run: TaskRun, context: ExecutionContext, around: readonly Middleware[], index: number): Promise<Outcome> {
  const next = around[index];
  if (next?.execute === undefined) return attempt(run, context);
  return next.execute(run, () => wrapped(run, context, around, index + 1));
}

/** One promise less than if it were async: each is tracked, for the run is found again after every await. */
function attempt(run: TaskRun, context: ExecutionContext): Promise<Outcome> {
  const unbound = (error: unknown) => failed(run, error, "invalid-arguments");
  try {
    const { task, message } = run;
    const bound = bindArguments(task, task.settings.errback ? errbackArguments(message) : message.args, message.kwargs);
    return bound instanceof Promise ? bound.then((args) => handled(run, args, context), unbound) : handled(run, bound, context);
  } catch (error) {
    return Promise.resolve(unbound(error));
  }
}

/**
 * As they were sent with the failure, and the signature's own behind them; where a worker of the other side sent the errback,
 * it told the id alone.
 */
function errbackArguments({ args }: TaskMessage): readonly [...ErrbackArgs, ...unknown[]] {
  const [told, error, traceback, ...own] = args;
  if (typeof told === "string") return [{ ...untold, id: told }, fromExceptionRecord(null, null, told), null, ...args.slice(1)];
  const request = told as FailedRequest;
  const text = typeof traceback === "string" ? traceback : null;
  return [request, fromExceptionRecord(error, text, request.id), text, ...own];
}

const untold = {
  task: null,
  args: null,
  kwargs: null,
  retries: null,
  rootId: null,
  parentId: null,
  groupId: null,
  hostname: null,
  headers: null,
} as const;

async function handled(run: TaskRun, args: readonly unknown[], context: ExecutionContext): Promise<Outcome> {
  try {
    return succeeded(run, await ambientRuns.run(run, run.task.handler, ...args));
  } catch (error) {
    return ended(run, error, context);
  }
}

function succeeded(run: TaskRun, value: unknown): Outcome {
  const { sends, addsToChord } = run;
  const outcome = { kind: "success", value: value === undefined ? null : value, children: run.children } as const;
  if (sends === undefined) return outcome;
  return addsToChord === 0 ? { ...outcome, sends } : { ...outcome, sends, addsToChord };
}

function ended(run: TaskRun, error: unknown, context: ExecutionContext): Outcome {
  const control = controlOf(error);
  if (control !== undefined) return controlled(run, control, context);
  if (isLovageError(error) && error.name === "TaskRevokedError") return { kind: "revoked", reason: "terminated" };
  return failed(run, error, isLovageError(error) && error.name === "SoftTimeLimitError" ? "soft-time-limit" : "exception");
}

function failed(run: TaskRun, error: unknown, cause: FailureCause): Outcome {
  run.error = error;
  return { kind: "failure", ...toExceptionRecord(error), children: run.children, cause };
}

function controlled(run: TaskRun, control: Control, context: ExecutionContext): Outcome {
  switch (control.kind) {
    case "retry":
      return retried(run, control, context);
    case "replace":
      return { kind: "replaced", signature: control.signature };
    case "reject":
      return { kind: "rejected", requeue: control.requeue, reason: control.reason };
    case "ignore":
      return { kind: "ignored" };
  }
}

function retried(run: TaskRun, request: RetryRequest, context: ExecutionContext): Outcome {
  const { message, task } = run;
  const numbers = retryNumbers(message, task);
  const max = request.max === undefined ? numbers.max : request.max;
  if (max !== null && message.retries >= max) return failed(run, request.error ?? exhausted(run, max), "retries-exhausted");
  const saidMs = request.delayMs ?? retryAfterOf(request.error, context.now());
  const delayMs = saidMs ?? backoffDelayMs(numbers.backoff, message.retries, () => context.random());
  const error = request.error ?? new Error(`Retry in ${delayMs / 1000}s`);
  return { kind: "retry", ...toExceptionRecord(error), children: run.children, retry: planOf(request, delayMs, context.now()) };
}

function planOf(request: RetryRequest, delayMs: number, now: number): RetryPlan {
  return {
    delayMs,
    ...(request.args !== undefined && { args: request.args }),
    ...(request.kwargs !== undefined && { kwargs: request.kwargs }),
    ...(request.queue !== undefined && { queue: request.queue }),
    ...(request.priority !== undefined && { priority: request.priority }),
    ...(request.expires !== undefined && { expires: formatWireTime(now + durationSeconds(request.expires, "expires") * 1000) }),
  };
}

function exhausted({ message }: TaskRun, max: number): RetriesExhaustedError {
  // Celery's words (celery-wire.md §8.3).
  const reason = `Can't retry ${message.task}[${message.id}] args:${message.argsrepr} kwargs:${message.kwargsrepr}`;
  return new RetriesExhaustedError("LOVAGE_RETRIES_EXHAUSTED", `${reason}: its ${max} retries are used up.`, {
    details: { reason, task: message.task, taskId: message.id, max },
  });
}
