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

/** Chunks are a group of starmaps, each over its share of the items (celery-wire.md §6.1); all else is itself. */
export function withoutChunks(signature: Signature): Signature {
  if (signature.subtask_type !== "chunks") return signature;
  const { task, it, n } = signature.kwargs as { readonly task: Signature; readonly it: readonly unknown[]; readonly n: number };
  const members: Signature[] = [];
  for (let from = 0; from < it.length; from += Math.max(1, n)) {
    const kwargs = { task, it: it.slice(from, from + Math.max(1, n)) };
    members.push({ task: "celery.starmap", args: [], kwargs, options: {}, subtask_type: null, immutable: true });
  }
  return { ...groupSignature(members), options: signature.options };
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

export function chainSteps(tasks: readonly Signature[]): readonly Signature[] {
  const steps: Signature[] = [];
  for (const task of tasks) unroll(task, steps);
  return joinedFrom(steps, 0);
}

/** A chain inside a chain gives its tasks; its own link goes to the last of them, its link_error to all. */
function unroll(given: Signature, into: Signature[]): void {
  const task = withoutChunks(given);
  const [only, second] = task.subtask_type === "group" ? tasksOf(task) : [];
  if (task.subtask_type === "chain") for (const step of linked(tasksOf(task), task)) unroll(step, into);
  else if (only !== undefined && second === undefined) unroll(only, into);
  else into.push(task);
}

/** All that stands behind the first chord, or the first group that something follows, ends up in its body. */
function joinedFrom(steps: readonly Signature[], start: number): readonly Signature[] {
  for (let i = start; i < steps.length - 1; i++) {
    const step = steps[i] as Signature;
    if (step.subtask_type === "group") return [...steps.slice(start, i), upgraded(step, asOne(joinedFrom(steps, i + 1)))];
    if (step.subtask_type !== "chord") continue;
    const body = bodyOf(step);
    const joined = body === null ? joinedFrom(steps, i + 1) : chainSteps([body, ...steps.slice(i + 1)]);
    return [...steps.slice(start, i), withBody(step, asOne(joined))];
  }
  return start === 0 ? steps : steps.slice(start);
}

function upgraded(group: Signature, body: Signature): Signature {
  const { link: _, ...options } = group.options;
  return { ...chordSignature([], body), options, kwargs: { kwargs: {}, header: { ...group, options: {} }, body } };
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
