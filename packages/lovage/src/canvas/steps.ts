/**
 * A chain as a plain list of steps, as Celery's `|` makes it (celery-wire.md §6.4): chains inside are unrolled, a group of
 * one is its member, a group that something follows becomes a chord with it, what follows a chord joins the chord's body.
 */
import type { Signature } from "../message/task-message.ts";

export const chainSignature = (tasks: readonly Signature[]): Signature => composite("celery.chain", "chain", { tasks });
export const groupSignature = (tasks: readonly Signature[]): Signature => composite("celery.group", "group", { tasks });
export const chordSignature = (header: readonly Signature[], body: Signature | null): Signature =>
  composite("celery.chord", "chord", { kwargs: {}, header, body });

function composite(task: string, subtask_type: "chain" | "group" | "chord", kwargs: Record<string, unknown>): Signature {
  return { task, args: [], kwargs, options: {}, subtask_type, immutable: false };
}

/** Steps of a chain or members of a group. */
export function tasksOf(signature: Signature): readonly Signature[] {
  const { tasks } = signature.kwargs;
  return Array.isArray(tasks) ? (tasks as readonly Signature[]) : [];
}

/** A chord's header: an array before freezing, one group signature after (celery-wire.md §6.1). */
export function headerOf(chord: Signature): Signature {
  const { header } = chord.kwargs;
  if (Array.isArray(header)) return groupSignature(header as readonly Signature[]);
  const group = header as Signature | null | undefined;
  return group === null || group === undefined ? groupSignature([]) : group.subtask_type === "group" ? group : groupSignature([group]);
}

export const bodyOf = (chord: Signature): Signature | null => (chord.kwargs.body as Signature | null | undefined) ?? null;

/** The same chord around another body; header and options stay. */
const withBody = (chord: Signature, body: Signature): Signature => ({ ...chord, kwargs: { ...chord.kwargs, body } });

export function chainSteps(tasks: readonly Signature[]): Signature[] {
  const steps: Signature[] = [];
  for (const task of tasks.flatMap(unrolled)) join(steps, task);
  return steps;
}

/** A chain inside a chain gives its tasks; its own link goes to the last of them, its link_error to all. */
function unrolled(task: Signature): readonly Signature[] {
  if (task.subtask_type === "chain") return linked(tasksOf(task), task).flatMap(unrolled);
  const [only, second] = task.subtask_type === "group" ? tasksOf(task) : [];
  return only !== undefined && second === undefined ? unrolled(only) : [task];
}

function join(steps: Signature[], task: Signature): void {
  const last = steps.at(-1);
  if (last?.subtask_type === "group") {
    const { link: _, ...options } = last.options;
    steps[steps.length - 1] = {
      ...chordSignature([], task),
      options,
      kwargs: { kwargs: {}, header: { ...last, options: {} }, body: task },
    };
  } else if (last?.subtask_type === "chord") {
    const body = bodyOf(last);
    steps[steps.length - 1] = withBody(last, body === null ? task : asOne(chainSteps([body, task])));
  } else {
    steps.push(task);
  }
}

/** One step is itself; several are a chain. */
const asOne = (steps: readonly Signature[]): Signature => {
  const [only, second] = steps;
  return only !== undefined && second === undefined ? only : chainSignature(steps);
};

export function linked(tasks: readonly Signature[], by: Signature): readonly Signature[] {
  const link = asList(by.options.link);
  const errors = asList(by.options.link_error);
  if (link.length === 0 && errors.length === 0) return tasks;
  return tasks.map((task, index) => addLinks(task, index === tasks.length - 1 ? link : [], errors));
}

/** Each only once: a chord's header and body may be reached twice. */
function addLinks(task: Signature, link: readonly Signature[], errors: readonly Signature[]): Signature {
  const options: Record<string, unknown> = { ...task.options };
  if (link.length > 0) options.link = [...asList(task.options.link), ...link];
  if (errors.length > 0) options.link_error = [...asList(task.options.link_error), ...errors];
  return { ...task, options };
}

export function asList<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
