/**
 * Which of the messages that are to be sent are unique, and by which key. Only tasks that are sent by themselves can be: a call
 * that is left out has no place in a chain, group or chord. What follows from a message later (links, steps, retries,
 * replacements) is not asked about.
 */
import { asList, bodyOf, headerOf, tasksOf } from "../canvas/steps.ts";
import { UsageError } from "../kernel/errors.ts";
import { uniqueKey } from "../kernel/limit-key.ts";
import { stringifyWireJson } from "../message/json.ts";
import type { Signature, TaskId, TaskMessage, UniqueRequest } from "../message/task-message.ts";
import { bindArguments } from "../task/arguments.ts";
import { keyText } from "../task/key-text.ts";
import type { Registry } from "../task/registry.ts";
import type { AnyTask } from "../task/task-definition.ts";
import type { ResolvedUnique } from "../task/task-limits.ts";
import type { Built } from "./sending.ts";

export interface Uniqueness {
  /** The messages, those that are unique with their keys in them. */
  readonly messages: readonly TaskMessage[];
  /** Of those: how long the key is kept at most. */
  readonly forMs: ReadonlyMap<TaskId, number | null>;
}

/** What a name means here: a definition that the caller handed in counts before the app's own. */
type Lookup = (name: string) => AnyTask | undefined;

/** undefined: none of them is unique. @throws {UsageError} LOVAGE_UNIQUE_IN_CANVAS, LOVAGE_LIMIT_KEY_INVALID */
export async function uniqueness({ messages, definitions }: Looked, registry: Registry): Promise<Uniqueness | undefined> {
  const find: Lookup = (name) => definitions?.get(name) ?? registry.get(name);
  const forMs = new Map<TaskId, number | null>();
  const keyed = await Promise.all(
    messages.map(async (message) => {
      assertAlone(message, find);
      const unique = uniqueOf(message, find);
      if (unique === null) return message;
      forMs.set(message.id, unique.forMs);
      const key = uniqueKey(unique.name, unique.sameAs ?? (await keyOf(message, unique, find)));
      const { uniqueBy: _, ...lovage } = message.lovage;
      return { ...message, lovage: { ...lovage, unique: { key, until: unique.until } } };
    }),
  );
  return forMs.size === 0 ? undefined : { messages: keyed, forMs };
}

/** Whether `uniqueness` could find any: mostly nobody has to look. */
export const mayBeUnique = ({ messages, definitions }: Looked, anyUnique: boolean): boolean =>
  anyUnique ||
  messages.some(({ lovage }) => lovage.uniqueBy !== undefined) ||
  (definitions !== undefined && someUnique(definitions.values()));

export function someUnique(tasks: Iterable<AnyTask>): boolean {
  for (const { settings } of tasks) if (settings.unique !== null) return true;
  return false;
}

type Looked = Pick<Built, "messages" | "definitions">;

interface Wanted extends ResolvedUnique {
  /** The caller's own word on which calls are the same. */
  readonly sameAs: string | null;
}

function uniqueOf({ task, lovage }: Pick<TaskMessage, "task" | "lovage">, find: Lookup): Wanted | null {
  const own = find(task)?.settings.unique ?? null;
  const { uniqueBy: asked } = lovage;
  if (asked === false || (asked === undefined && own === null)) return null;
  const usual: ResolvedUnique = own ?? { key: null, until: "done", forMs: null, name: task };
  return { ...usual, sameAs: null, ...(typeof asked === "object" && given(asked)) };
}

function given({ key, until, forMs }: UniqueRequest): Partial<Wanted> {
  return { ...(key !== undefined && { sameAs: key }), ...(until !== undefined && { until }), ...(forMs !== undefined && { forMs }) };
}

async function keyOf(message: TaskMessage, { key }: Wanted, find: Lookup): Promise<string> {
  const task = find(message.task);
  const args = task === undefined ? [message.args, message.kwargs] : await bindArguments(task, message.args, message.kwargs);
  return key === null ? stringifyWireJson(sorted(args)) : keyText(message.task, "unique.key", key(...(args as readonly unknown[])));
}

/** The order in which an object names its fields makes no other call of it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]));
}

function assertAlone(message: TaskMessage, find: Lookup): void {
  const { chain, chord, groupId } = message;
  const isPart = groupId !== null || chord !== null || (chain !== null && chain.length > 0);
  if (isPart && uniqueOf(message, find) !== null) throw inCanvas(message.task);
  for (const step of [...(chain ?? []), ...(chord === null ? [] : [chord])]) assertNone(step, find);
}

/** Also what is linked to it: it is sent without being asked about. */
function assertNone(signature: Signature, find: Lookup): void {
  const { subtask_type, options, task } = signature;
  if (subtask_type === "chord") for (const part of [headerOf(signature), bodyOf(signature)]) if (part !== null) assertNone(part, find);
  if (subtask_type === "chain" || subtask_type === "group") for (const part of tasksOf(signature)) assertNone(part, find);
  if (subtask_type === null && uniqueOf({ task, lovage: options.lovage ?? {} }, find) !== null) throw inCanvas(task);
  for (const link of asList(options.link)) assertNone(link, find);
}

export const inCanvas = (task: string): UsageError =>
  new UsageError(
    "LOVAGE_UNIQUE_IN_CANVAS",
    `Task "${task}" is unique, and stands where a call that is left out can have no place: in a chain, group or chord, or with sendOnSuccess. Send it by itself, or give that call { unique: false }.`,
    { details: { task } },
  );
