/**
 * A chain as a plain list of steps, as Celery's `|` makes it (celery-wire.md §6.4): chains inside are unrolled, a group of
 * one is its member, a group that something follows becomes a chord with it, what follows a chord joins the chord's body.
 */
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import { linkedTo } from "../task/canvas.ts";

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

/**
 * A group inside a group, as Celery's freeze flattens it: the inner members come out in reverse order, in front of what
 * follows (celery-wire.md §14.2 no. 8). The chord's results have that order in Python too.
 */
export function flattened(tasks: readonly Signature[]): readonly Signature[] {
  return tasks.flatMap((task) => (task.subtask_type === "group" ? flattened([...tasksOf(task)].reverse()) : [task]));
}

/** A chord's header: an array before freezing, one group signature after (celery-wire.md §6.1). */
export function headerOf(chord: Signature): Signature {
  const { header } = chord.kwargs;
  if (Array.isArray(header)) return groupSignature(header as readonly Signature[]);
  const group = header as Signature | null | undefined;
  return group === null || group === undefined ? groupSignature([]) : group.subtask_type === "group" ? group : groupSignature([group]);
}

export const bodyOf = (chord: Signature): Signature | null => (chord.kwargs.body as Signature | null | undefined) ?? null;

/** The steps of a chain, with what was linked to it as a whole: `link` on the last, `link_error` on each. */
export function stepsOf(chain: Signature): readonly Signature[] {
  return linked(chainSteps(tasksOf(chain)), chain);
}

/** A chain that begins with a chord, or with a group that something follows, is one chord. */
function isChord(task: Signature): boolean {
  if (task.subtask_type !== "chain") return task.subtask_type === "chord";
  const [begin] = tasksOf(task);
  if (begin?.subtask_type !== "chord" && begin?.subtask_type !== "group") return false;
  const [first, second] = chainSteps(tasksOf(task));
  return first?.subtask_type === "chord" && second === undefined;
}

/**
 * A chain is written so when it is put together: a Python worker that starts one drops what is linked to a chain inside it, and
 * what it hands to a group at its beginning.
 */
export function chainSteps(tasks: readonly Signature[]): readonly Signature[] {
  return joinedFrom(unrolled(tasks), 0);
}

/** Without the chains among them. */
function unrolled(tasks: readonly Signature[]): readonly Signature[] {
  const steps: Signature[] = [];
  for (const task of tasks) unroll(task, steps);
  return steps;
}

/** A chain inside a chain gives its steps. */
function unroll(given: Signature, into: Signature[]): void {
  const task = withoutChunks(given);
  const [only, second] = task.subtask_type === "group" ? tasksOf(task) : [];
  if (task.subtask_type === "chain") for (const step of unlinked(task)) unroll(step, into);
  else if (only !== undefined && second === undefined) unroll(only, into);
  else into.push(task);
}

/** What is linked to a chain is linked to its own steps, before others follow; one without links need not be put together. */
function unlinked(chain: Signature): readonly Signature[] {
  const { link, link_error: errors } = chain.options;
  return asList(link).length + asList(errors).length === 0 ? tasksOf(chain) : linked(chainSteps(tasksOf(chain)), chain);
}

/** All that stands behind the first chord, or the first group that something follows, ends up in its body. */
function joinedFrom(steps: readonly Signature[], start: number): readonly Signature[] {
  for (let i = start; i < steps.length - 1; i++) {
    const step = steps[i] as Signature;
    if (step.subtask_type === "group") return [...steps.slice(start, i), upgraded(step, asOne(joinedFrom(steps, i + 1)))];
    if (step.subtask_type !== "chord") continue;
    return [...steps.slice(start, i), joinedChord(step, steps.slice(i + 1))];
  }
  return start === 0 ? steps : steps.slice(start);
}

/** What is linked to the chord stays with its own body. A body that is a group is a list for what follows, also of one. */
function joinedChord(chord: Signature, later: readonly Signature[]): Signature {
  const { link: _, link_error: __, ...options } = chord.options;
  const [body] = linkedBody(chord);
  const joined =
    body === undefined
      ? joinedFrom(later, 0)
      : body.subtask_type === "group"
        ? joinedFrom([body, ...later], 0)
        : chainSteps([body, ...later]);
  return { ...chord, options, kwargs: { ...chord.kwargs, header: linkedHeader(chord), body: asOne(joined) } };
}

function upgraded(group: Signature, body: Signature): Signature {
  const { link: _, link_error: __, ...options } = group.options;
  return { ...chordSignature([], body), options, kwargs: { kwargs: {}, header: tasksOf(group), body } };
}

/** One step is itself; several are a chain. */
const asOne = (steps: readonly Signature[]): Signature => {
  const [only, second] = steps;
  return only !== undefined && second === undefined ? only : chainSignature(steps);
};

/** A chord's body with what is linked to the chord; none where it has no body. */
export function linkedBody(chord: Signature): readonly Signature[] {
  const body = bodyOf(chord);
  return body === null ? [] : linked([body], chord);
}

/**
 * A chord's header: chords in it call the chord's errbacks too, for bodies of theirs that fail. Celery links so when asked
 * to link to the chord, not to a chain that the chord is a step of.
 */
export function linkedHeader(chord: Signature): unknown {
  const { header } = chord.kwargs;
  const errors = asList(chord.options.link_error);
  return errors.length === 0 || !Array.isArray(header) ? header : linkedMembers(header as readonly Signature[], errors);
}

function linkedMembers(tasks: readonly Signature[], errors: readonly Signature[]): readonly Signature[] {
  return tasks.map((task) => {
    if (task.subtask_type === "group") return { ...task, kwargs: { ...task.kwargs, tasks: linkedMembers(tasksOf(task), errors) } };
    return isChord(task) ? addLinks(task, [], errors) : task;
  });
}

export function linked(tasks: readonly Signature[], by: Signature): readonly Signature[] {
  const link = asList(by.options.link);
  const errors = asList(by.options.link_error);
  if (link.length === 0 && errors.length === 0) return tasks;
  return tasks.map((task, index) => addLinks(task, index === tasks.length - 1 ? link : [], errors));
}

/** What was linked to a chord as a whole; never on the wire. Apps may want it on the header's tasks too (header-errbacks.ts). */
export const headerErrbacks: unique symbol = Symbol("errbacks of a chord as a whole");

export function addLinks(task: Signature, link: readonly Signature[], errors: readonly Signature[]): Signature {
  if (task.subtask_type === "chord" && bodyOf(task) !== null) {
    const body = addLinks(bodyOf(task) as Signature, link, errors);
    const header = linkedHeader({ ...task, options: { link_error: errors } });
    const options = errors.length === 0 ? task.options : { ...task.options, [headerErrbacks]: [...noted(task), ...errors] };
    return { ...task, options, kwargs: { ...task.kwargs, header, body } };
  }
  if (task.subtask_type !== "group") return withLinks(withLinks(task, "link", link), "link_error", errors);
  const tasks = tasksOf(task).map((member) => addLinks(member, [], errors));
  return withLinks({ ...task, kwargs: { ...task.kwargs, tasks } }, "link", link);
}

export const noted = ({ options }: Signature) => (options as NotedOptions)[headerErrbacks] ?? [];

interface NotedOptions extends SignatureOptions {
  readonly [headerErrbacks]?: readonly Signature[];
}

const withLinks = (task: Signature, option: "link" | "link_error", added: readonly Signature[]): Signature =>
  added.length === 0 ? task : linkedTo(task, option, added);

export function asList<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
