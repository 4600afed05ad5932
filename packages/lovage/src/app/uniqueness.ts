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
import type { Registry } from "../task/registry.ts";
import type { ResolvedUnique } from "../task/task-limits.ts";

export interface Uniqueness {
  /** The messages, those that are unique with their keys in them. */
  readonly messages: readonly TaskMessage[];
  /** Of those: how long the key is kept at most. */
  readonly forMs: ReadonlyMap<TaskId, number | null>;
}

/** undefined: none of them is unique. @throws {UsageError} LOVAGE_UNIQUE_IN_CANVAS */
export async function uniqueness(messages: readonly TaskMessage[], registry: Registry): Promise<Uniqueness | undefined> {
  const forMs = new Map<TaskId, number | null>();
  const keyed = await Promise.all(
    messages.map(async (message) => {
      assertAlone(message, registry);
      const unique = uniqueOf(message, registry);
      if (unique === null) return message;
      forMs.set(message.id, unique.forMs);
      const key = uniqueKey(unique.name, unique.sameAs ?? (await keyOf(message, unique, registry)));
      const { uniqueBy: _, ...lovage } = message.lovage;
      return { ...message, lovage: { ...lovage, unique: { key, until: unique.until } } };
    }),
  );
  return forMs.size === 0 ? undefined : { messages: keyed, forMs };
}

/** Whether `uniqueness` could find any: mostly nobody has to look. */
export const mayBeUnique = (messages: readonly TaskMessage[], anyUnique: boolean): boolean =>
  anyUnique || messages.some(({ lovage }) => lovage.uniqueBy !== undefined);

interface Wanted extends ResolvedUnique {
  /** The caller's own word on which calls are the same. */
  readonly sameAs: string | null;
}

function uniqueOf({ task, lovage }: Pick<TaskMessage, "task" | "lovage">, registry: Registry): Wanted | null {
  const own = registry.get(task)?.settings.unique ?? null;
  const { uniqueBy: asked } = lovage;
  if (asked === false || (asked === undefined && own === null)) return null;
  const usual: ResolvedUnique = own ?? { key: null, until: "done", forMs: null, name: task };
  return { ...usual, sameAs: null, ...(typeof asked === "object" && given(asked)) };
}

function given({ key, until, forMs }: UniqueRequest): Partial<Wanted> {
  return { ...(key !== undefined && { sameAs: key }), ...(until !== undefined && { until }), ...(forMs !== undefined && { forMs }) };
}

async function keyOf(message: TaskMessage, { key }: Wanted, registry: Registry): Promise<string> {
  const task = registry.get(message.task);
  const args = task === undefined ? [message.args, message.kwargs] : await bindArguments(task, message.args, message.kwargs);
  return key === null ? stringifyWireJson(sorted(args)) : String(key(...(args as readonly unknown[])));
}

/** The order in which an object names its fields makes no other call of it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]));
}

function assertAlone(message: TaskMessage, registry: Registry): void {
  const { chain, chord, groupId } = message;
  const isPart = groupId !== null || chord !== null || (chain !== null && chain.length > 0);
  if (isPart && uniqueOf(message, registry) !== null) throw inCanvas(message.task);
  for (const step of [...(chain ?? []), ...(chord === null ? [] : [chord])]) assertNone(step, registry);
}

/** Also what is linked to it: it is sent without being asked about. */
function assertNone(signature: Signature, registry: Registry): void {
  const { subtask_type, options, task } = signature;
  if (subtask_type === "chord") for (const part of [headerOf(signature), bodyOf(signature)]) if (part !== null) assertNone(part, registry);
  if (subtask_type === "chain" || subtask_type === "group") for (const part of tasksOf(signature)) assertNone(part, registry);
  if (subtask_type === null && uniqueOf({ task, lovage: options.lovage ?? {} }, registry) !== null) throw inCanvas(task);
  for (const link of asList(options.link)) assertNone(link, registry);
}

export const inCanvas = (task: string): UsageError =>
  new UsageError(
    "LOVAGE_UNIQUE_IN_CANVAS",
    `Task "${task}" is unique, and stands where a call that is left out can have no place: in a chain, group or chord, or with sendOnSuccess. Send it by itself, or give that call { unique: false }.`,
    { details: { task } },
  );
