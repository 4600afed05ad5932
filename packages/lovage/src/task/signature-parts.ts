/** Changes that reach into a composition, on Celery's dictionaries (celery-wire.md §6.1). */
import type { Signature } from "../message/task-message.ts";

type Change = (part: Signature) => Signature;

/** All steps of a chain, all members of a group, the header of a chord; one task is itself. */
export function changeParts(signature: Signature, change: Change): Signature {
  switch (signature.subtask_type) {
    case "chain":
    case "group":
      return withTasks(signature, "tasks", change);
    case "chord":
      return withTasks(signature, "header", change);
    default:
      return change(signature);
  }
}

/** The tasks that get what the composition is given: a chain's first, a group's all, a chord's header. */
export function changeEntries(signature: Signature, change: Change): Signature {
  if (signature.subtask_type !== "chain")
    return changeParts(signature, (part) => (part === signature ? change(part) : changeEntries(part, change)));
  return withTasks(signature, "tasks", (task, index) => (index === 0 ? changeEntries(task, change) : task));
}

/** Keyword arguments for the tasks that take the input; the kwargs of a composition itself hold its parts. */
export function withKwargs(signature: Signature, kwargs: Readonly<Record<string, unknown>>): Signature {
  return changeEntries(signature, (task) => ({ ...task, kwargs: { ...task.kwargs, ...kwargs } }));
}

/** A chord's header is a list, or a group once it is frozen. */
function withTasks(signature: Signature, key: "tasks" | "header", change: (part: Signature, index: number) => Signature): Signature {
  const parts = signature.kwargs[key];
  const changed = Array.isArray(parts) ? (parts as readonly Signature[]).map(change) : withTasks(parts as Signature, "tasks", change);
  return { ...signature, kwargs: { ...signature.kwargs, [key]: changed } };
}
