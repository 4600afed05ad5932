/**
 * The lines that every task has, whoever wrote it: received, started, and how it ended. What fails is always said, and a retry;
 * the rest of a task's life only where somebody asked for it (`workerTaskLog`, or level debug), since it is three lines per task.
 * Arguments and results are never in them.
 */
import type { Logger } from "../kernel/logger.ts";
import type { Outcome } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";
import { runFacts } from "../task/run-facts.ts";

type Failure = Extract<Outcome, { readonly kind: "failure" | "retry" }>;

export class TaskLog {
  readonly #log: Logger;
  /** Of lines that are usual; null: they are not written. */
  readonly #usual: "info" | "debug" | null;

  /** `asked`: the setting `workerTaskLog`. */
  constructor(log: Logger, asked: boolean) {
    this.#log = log;
    this.#usual = asked ? "info" : log.isOn("debug") ? "debug" : null;
  }

  received(message: TaskMessage): void {
    if (this.#usual !== null) this.#log[this.#usual]("task.received", { ...runFacts(message), eta: message.eta ?? undefined });
  }

  started(message: TaskMessage): void {
    if (this.#usual !== null) this.#log[this.#usual]("task.started", runFacts(message));
  }

  ended(message: TaskMessage, outcome: Outcome, runtimeMs: number | undefined): void {
    switch (outcome.kind) {
      case "success":
        if (this.#usual !== null) this.#log[this.#usual]("task.succeeded", { ...runFacts(message), runtimeMs: rounded(runtimeMs) });
        return;
      case "failure": {
        const { cause, traceback } = outcome;
        this.#log.error("task.failed", { ...runFacts(message), ...errorFacts(outcome), cause, runtimeMs: rounded(runtimeMs), traceback });
        return;
      }
      case "retry":
        this.#log.info("task.retried", { ...runFacts(message), ...errorFacts(outcome), inMs: Math.round(outcome.retry.delayMs) });
        return;
      case "revoked":
        this.#log.info("task.revoked", { ...runFacts(message), reason: outcome.reason, runtimeMs: rounded(runtimeMs) });
        return;
      case "rejected":
        this.#log.warn("task.rejected", { ...runFacts(message), requeue: outcome.requeue, reason: outcome.reason });
        return;
      default:
        if (this.#usual !== null)
          this.#log[this.#usual]("task.left", { ...runFacts(message), how: outcome.kind, runtimeMs: rounded(runtimeMs) });
    }
  }
}

const mostSaid = 500;

function errorFacts({ error }: Failure): { readonly error: string; readonly message: string } {
  const [said] = Array.isArray(error.exc_message) ? error.exc_message : [error.exc_message];
  return { error: error.exc_type, message: String(said ?? "").slice(0, mostSaid) };
}

const rounded = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms * 10) / 10);
