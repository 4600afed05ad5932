/** Why a task is not running, or where it runs. */
import type { TaskId } from "../../message/task-message.ts";
import { collectFacts, type Sources } from "./collect.ts";
import type { TaskFacts } from "./facts.ts";
import type { Reason } from "./reason.ts";
import { reasonsOf } from "./reasons.ts";

export interface Explanation {
  readonly taskId: TaskId;
  /** Its name, where its message says it. */
  readonly task: string | null;
  /** What is stored under its id; PENDING: nothing. */
  readonly state: string;
  /** The one that decides first; then what would stand in its way after that. At least one. */
  readonly reasons: readonly Reason[];
  readonly facts: TaskFacts;
}

export async function explain(id: TaskId, sources: Sources): Promise<Explanation> {
  const facts = await collectFacts(id, sources);
  const task = facts.found.find((found) => found.task !== null)?.task ?? null;
  return { taskId: id, task, state: facts.result?.state ?? "PENDING", reasons: reasonsOf(facts), facts };
}
