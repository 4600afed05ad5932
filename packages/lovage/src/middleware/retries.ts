/** Tries failed runs again, as their task's policy or their call says (celery-wire.md §8.3). */
import { type Backoff, backoffDelayMs, exponential } from "../kernel/backoff.ts";
import { isLovageError } from "../kernel/errors.ts";
import { retryAfterOf } from "../kernel/retry-after.ts";
import type { Outcome } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";
import { defaultMaxRetries, isRetried } from "../task/retry-policy.ts";
import type { AnyTask } from "../task/task-definition.ts";
import type { Execution, Middleware } from "./middleware.ts";

const usualBackoff = exponential();

export interface RetryNumbers {
  /** null: without end. */
  readonly max: number | null;
  readonly backoff: Backoff;
}

/** Of the call, else of the task, else three times with growing delays. */
export function retryNumbers(message: TaskMessage, task: AnyTask): RetryNumbers {
  const { retry: own } = message.lovage;
  const { retry: policy } = task.settings;
  const max = own?.max !== undefined ? own.max : policy === null ? defaultMaxRetries : policy.max;
  return { max, backoff: own?.backoff ?? policy?.backoff ?? usualBackoff };
}

export function retries(random: () => number = Math.random): Middleware {
  return {
    name: "retries",
    concerns: (message, task) => message.lovage.retry !== undefined || (task?.settings.retry ?? null) !== null,
    async execute(run, next) {
      const outcome = await next();
      return outcome.kind === "failure" && isWorthIt(run, outcome) ? decide(run, outcome, random) : outcome;
    },
  };
}

function isWorthIt({ task, error }: Execution, outcome: Extract<Outcome, { kind: "failure" }>): boolean {
  if (outcome.cause !== "exception" && outcome.cause !== "soft-time-limit") return false;
  const { retry: policy } = task.settings;
  // "Every error" leaves out the ones that a second try must not or cannot mend.
  if (policy?.on === undefined || policy.on === null) if (isHopeless(error)) return false;
  return policy === null || isRetried(policy, error);
}

const isHopeless = (error: unknown): boolean =>
  isLovageError(error) && ["SoftTimeLimitError", "FencedError", "ConfigError", "UsageError", "SerializationError"].includes(error.name);

/** What a server asks for (Retry-After) stands in place of the policy's own delay. */
function decide(
  { message, task, error: thrown }: Execution,
  outcome: Extract<Outcome, { kind: "failure" }>,
  random: () => number,
): Outcome {
  const { max, backoff } = retryNumbers(message, task);
  if (max !== null && message.retries >= max) return { ...outcome, cause: "retries-exhausted" };
  const { error, traceback, children } = outcome;
  const delayMs = retryAfterOf(thrown) ?? backoffDelayMs(backoff, message.retries, random);
  return { kind: "retry", error, traceback, children, retry: { delayMs } };
}
