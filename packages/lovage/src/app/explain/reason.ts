/** What a reason is, and what several of them have to say. Pure. */
import { didYouMean } from "../../kernel/did-you-mean.ts";
import type { SeenNode } from "./facts.ts";

export type ReasonCode =
  | "running"
  | "python"
  | "held"
  | "finished"
  | "dead-letter"
  | "revoked"
  | "expired"
  | "not-sent"
  | "paused"
  | "no-worker"
  | "unknown-task"
  | "eta"
  | "retry"
  | "rate-limit"
  | "concurrency-limit"
  | "silent-node"
  | "blocked"
  | "busy"
  | "behind"
  | "orphan"
  | "nothing"
  | "unknown";

export interface Reason {
  readonly code: ReasonCode;
  /** What is the matter. */
  readonly says: string;
  /** What to do about it; null: nothing has to be done. */
  readonly remedy: string | null;
}

export const reason = (code: ReasonCode, says: string, remedy: string | null = null): Reason => ({ code, says, remedy });

export const names = (nodes: readonly SeenNode[]): string => nodes.map(({ name }) => name).join(", ") || "no node";

export function unknownTask(task: string, consumers: readonly SeenNode[], nodes: readonly SeenNode[]): Reason {
  const elsewhere = nodes.filter((node) => !consumers.includes(node) && node.tasks?.includes(task));
  const known = new Set(nodes.flatMap(({ tasks }) => tasks ?? []).filter((name) => !name.startsWith("celery.")));
  const hint = elsewhere.length > 0 ? ` ${names(elsewhere)} knows it and consumes other queues.` : didYouMean(task, known);
  return reason(
    "unknown-task",
    `${names(consumers)} does not know a task "${task}".${hint}`,
    elsewhere.length > 0
      ? `Route "${task}" to a queue of ${names(elsewhere)}, or deploy it there. It is kept and tried again, with growing delay.`
      : "Deploy the task, or send it by the name that is deployed. It is kept and tried again, with growing delay, then it becomes a dead letter.",
  );
}
