/** Tasks that are tried again, or put back. */
import { currentRun, defineTask, reject } from "lovage";
import { expected, pythonError } from "../support/python.ts";
import { unpickleable } from "./failing.ts";

export const retry = defineTask("t.integration.tasks.retry", { params: ["return_value"] }, (returnValue: unknown = null) => {
  const run = currentRun();
  if (returnValue && run.retries >= 3) return returnValue;
  return run.retry({ error: expected(), delayMs: 5000, max: 3 });
});

interface RetryKwargs {
  readonly countdown: number;
  readonly max_retries: number;
}
export const retryUnpickleable = defineTask(
  "t.integration.tasks.retry_unpickleable",
  { params: ["foo", "bar", "retry_kwargs"] },
  (foo: unknown, _bar: unknown, { countdown, max_retries: max }: RetryKwargs) =>
    currentRun().retry({ error: unpickleable(foo), delayMs: countdown * 1000, max }),
);

const seconds = (countdown: number | null) => (countdown ?? 180) * 1000;

export const retryOnce = defineTask(
  "t.integration.tasks.retry_once",
  { params: ["given", "expires", "max_retries", "countdown"], expires: 120 },
  (_given?: unknown, expires: number | null = null, max: number = 1, countdown: number | null = 0.1) => {
    const run = currentRun();
    if (run.retries > 0) return run.retries;
    return run.retry({ delayMs: seconds(countdown), max, ...(expires !== null && { expires }) });
  },
);

export const retryOncePriority = defineTask(
  "t.integration.tasks.retry_once_priority",
  { params: ["given", "expires", "max_retries", "countdown"] },
  (_given?: unknown, _expires: number = 60, max: number = 1, countdown: number = 0.1) => {
    const run = currentRun();
    if (run.retries > 0) return run.message.priority;
    return run.retry({ delayMs: seconds(countdown), max });
  },
);

export const retryOnceHeaders = defineTask(
  "t.integration.tasks.retry_once_headers",
  { params: ["max_retries", "countdown"] },
  (max: number = 1, countdown: number = 0.1) => {
    const run = currentRun();
    if (run.retries > 0) return run.headers;
    return run.retry({ delayMs: seconds(countdown), max });
  },
);

export const autoRetryClassTask = defineTask("auto_retry_class_task", { retry: { max: 1, backoff: 1 } }, () => {
  const { retries } = currentRun();
  if (retries > 0) return retries;
  throw pythonError("builtins", "ValueError");
});

export const rejectThenSucceed = defineTask("t.integration.tasks.reject_then_succeed", { acksLate: true }, () => {
  if (!currentRun().redelivered) throw reject({ requeue: true });
  return "second-pass";
});

export const rejectWithoutRequeue = defineTask("t.integration.tasks.reject_without_requeue", () => {
  throw reject({ reason: "rejected" });
});
