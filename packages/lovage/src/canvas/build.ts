/**
 * From a signature of any kind to the messages that start it (celery-wire.md §6, §7.2). Builds, sends nothing: the same
 * code serves a producer, a run that sends, and the step from an outcome to what follows it, which differ in their context.
 */
import type { ChordStart } from "../message/commit.ts";
import { newTaskMessage } from "../message/new-task-message.ts";
import type { ResultTuple } from "../message/outcome.ts";
import { isSignatureOption } from "../message/signature-options.ts";
import type { LovageProperties, Signature, SignatureOptions, TaskId, TaskMessage } from "../message/task-message.ts";
import { formatWireTime } from "../message/wire-time.ts";
import { type FreezeContext, type Frozen, freeze, sealChord } from "./freeze.ts";
import { merged, without } from "./options.ts";
import { routeOf } from "./routing.ts";
import { asList, bodyOf, chainSignature, headerOf, stepsOf, tasksOf, withoutChunks } from "./steps.ts";

export interface BuildContext extends FreezeContext {
  /** Wall clock, milliseconds. */
  readonly now: number;
  /** Of the run that sends; null: nobody's. */
  readonly rootId: TaskId | null;
  readonly parentId: TaskId | null;
  /** How long a chord's size is kept. */
  readonly resultExpiresMs: number | null;
}

export class Builder {
  readonly messages: TaskMessage[] = [];
  readonly chords: ChordStart[] = [];
  /** What was sent, as it stands in the sender's own result: a chain's first task, a group as a whole, a chord's header. */
  readonly children: ResultTuple[] = [];
  /** Inside a group, whose members are no children of their own. */
  #depth = 0;
  readonly #context: BuildContext;

  constructor(context: BuildContext) {
    this.#context = context;
  }

  /** `args` go in front of its own; `over` wins over its options. Returns its result tuple. */
  apply(given: Signature, args: readonly unknown[] = [], over: SignatureOptions = {}): ResultTuple {
    const signature = withoutChunks(given);
    switch (signature.subtask_type) {
      case "chain":
        return this.#chain(signature, args, over);
      case "group":
        return this.#group(signature, args, over);
      case "chord":
        return this.#chord(signature, args, over);
      default:
        return this.#task(signature, args, over);
    }
  }

  #task(signature: Signature, given: readonly unknown[], over: SignatureOptions): ResultTuple {
    const { ids, rootId, parentId, now, routing, lovage } = this.#context;
    const options = merged(signature.options, over);
    const args = signature.immutable || given.length === 0 ? signature.args : [...given, ...signature.args];
    const route = routeOf(signature, args, routing);
    const queue = options.queue ?? route.queue;
    const id = options.task_id ?? ids();
    this.messages.push(
      newTaskMessage({
        id,
        task: signature.task,
        args,
        kwargs: signature.kwargs,
        callbacks: asList(options.link),
        errbacks: asList(options.link_error),
        chain: options.chain ?? null,
        chord: options.chord ?? null,
        rootId: options.root_id ?? rootId ?? id,
        parentId: options.parent_id ?? parentId,
        groupId: options.group_id ?? null,
        groupIndex: options.group_index ?? null,
        retries: options.retries ?? 0,
        eta: etaOf(options, now),
        expires: expiresOf(options.expires ?? route.expires, now),
        timeLimit: options.time_limit ?? null,
        softTimeLimit: options.soft_time_limit ?? null,
        ignoreResult: options.ignore_result ?? route.ignoreResult,
        shadow: options.shadow ?? null,
        replacedTaskNesting: options.replaced_task_nesting ?? 0,
        ...stampsOf(options),
        ...(options.headers && { headers: options.headers }),
        ...(options.reply_to && { replyTo: options.reply_to }),
        priority: options.priority ?? route.priority,
        routingKey: queue,
        ...lovageOf(options, lovage),
        ...propertiesOf(options),
      }),
    );
    const result: ResultTuple = [[id, null], null];
    this.#addChild(result, options);
    return result;
  }

  #addChild(result: ResultTuple, { add_to_parent }: SignatureOptions): void {
    if (this.#depth === 0 && add_to_parent !== false) this.children.push(result);
  }

  /** The first step is sent with the rest on board, last step first (celery-wire.md §2.2). */
  #chain(signature: Signature, args: readonly unknown[], over: SignatureOptions): ResultTuple {
    const own = without(signature.options, "link", "link_error", "root_id", "parent_id");
    const [only, second] = stepsOf(signature);
    // A group and what follows it are one chord: nothing is left of the chain.
    if (only !== undefined && second === undefined) return this.apply(only, args, merged(own, over));
    const { task_id, group_id, group_index, chord, ...rest } = merged(own, over);
    const frozen = freeze(signature, this.#context, {
      taskId: task_id ?? undefined,
      groupId: group_id ?? undefined,
      groupIndex: group_index ?? undefined,
      chord: chord ?? undefined,
    });
    const [first, ...later] = tasksOf(frozen.signature);
    if (first === undefined) return frozen.result;
    this.apply(first, args, { ...rest, chain: [...(rest.chain ?? []), ...later.reverse()] });
    return frozen.result;
  }

  #group(signature: Signature, args: readonly unknown[], over: SignatureOptions): ResultTuple {
    const groupId = over.task_id ?? signature.options.task_id ?? this.#context.ids();
    const chord = over.chord ?? signature.options.chord ?? undefined;
    const options = without(merged(signature.options, over), "task_id", "group_id", "group_index", "chord");
    return this.#together(tasksOf(signature), groupId, chord, args, options);
  }

  #together(
    tasks: readonly Signature[],
    groupId: string,
    chord: Signature | undefined,
    args: readonly unknown[],
    options: SignatureOptions,
  ): ResultTuple {
    this.#depth += 1;
    const result: ResultTuple = [[groupId, null], this.#members(tasks, groupId, chord, args, options)];
    this.#depth -= 1;
    this.#addChild(result, options);
    return result;
  }

  /** An inner group's members count from 0 again, as Celery counts them (celery-wire.md §6.5). */
  #members(
    tasks: readonly Signature[],
    groupId: string,
    chord: Signature | undefined,
    args: readonly unknown[],
    options: SignatureOptions,
  ): ResultTuple[] {
    return tasks.flatMap((task, groupIndex) => {
      if (task.subtask_type === "group") return this.#members(tasksOf(task), groupId, chord, args, options);
      const frozen = freeze(task, this.#context, { groupId, groupIndex, chord });
      this.apply(frozen.signature, args, options);
      return [frozen.result];
    });
  }

  #chord(signature: Signature, args: readonly unknown[], over: SignatureOptions): ResultTuple {
    const body = bodyOf(signature);
    if (body === null) return this.#group(headerOf(signature), args, over);
    // The chord's own options are the body's, but for what a frozen chord calls its header (celery-wire.md §6.4).
    const { task_id, ...passed } = merged(without(signature.options, ...ofTheHeader), over);
    const options = merged(body.options, without(passed, ...ofTheEnd));
    const whole = { ...signature, kwargs: { ...signature.kwargs, body: { ...body, options } } };
    const {
      header,
      signature: frozen,
      result,
    } = sealChord(whole, this.#context, {
      taskId: task_id ?? undefined,
      groupId: passed.group_id ?? undefined,
      groupIndex: passed.group_index ?? undefined,
      chord: passed.chord ?? undefined,
    });
    const sealed = bodyOf(frozen) as Signature;
    const members = tasksOf(header.signature);
    if (members.length === 0) {
      this.apply(sealed, [[]]);
      return result;
    }
    this.#startChord(header);
    this.#together(members, header.result[0][0], sealed, args, without(merged(signature.options, over), ...ofTheBody));
    return result;
  }

  #startChord({ signature, result }: Frozen): void {
    const isComplex = result[1]?.some(([, children]) => children !== null) ?? false;
    const [groupId] = result[0];
    this.chords.push({
      groupId,
      size: tasksOf(signature).reduce((sum, member) => sum + chordSize(member), 0),
      expiresMs: this.#context.resultExpiresMs,
      // A member that ends in a group: its results come nested, so the shape is kept (celery-wire.md §7.1).
      ...(isComplex && { taskset: JSON.stringify({ result: [[groupId, null], result[1]] }) }),
    });
  }
}

/** Options of a chord that its body does not get: it is linked otherwise, and starts when its header has ended. */
const ofTheHeader = ["task_id", "link", "link_error", "countdown", "eta"];

/** Where the task that ends it all belongs: on a body that is a chord, Celery 5.2 would give them to the members of its header. */
const ofTheEnd = ["group_id", "group_index", "chord"];

/** Options of a chord that its header does not get (celery-wire.md §6.4). */
const ofTheBody = ["task_id", "link", "link_error", "chain", "group_id", "group_index", "chord"];

/** How many parts a header member reports (celery-wire.md §7.2). */
export function chordSize(member: Signature): number {
  switch (member.subtask_type) {
    case "group":
      return tasksOf(member).reduce((sum, task) => sum + chordSize(task), 0);
    case "chain":
      return chordSize(tasksOf(member).at(-1) ?? chainSignature([]));
    case "chord":
      return chordSize(bodyOf(member) ?? headerOf(member));
    default:
      return 1;
  }
}

function etaOf(options: SignatureOptions, now: number): string | null {
  if (options.eta) return momentOf(options.eta);
  return options.countdown ? formatWireTime(now + options.countdown * 1000) : null;
}

function expiresOf(expires: number | string | Date | null, now: number): string | null {
  return typeof expires === "number" ? formatWireTime(now + expires * 1000) : expires && momentOf(expires);
}

/** Python's clients put typed datetimes into signatures, which come as dates (celery-wire.md §3). */
const momentOf = (moment: string | Date): string => (typeof moment === "string" ? moment : formatWireTime(moment.getTime()));

function stampsOf(options: SignatureOptions): Partial<TaskMessage> | undefined {
  const { stamped_headers: names } = options;
  if (!names) return undefined;
  return {
    stampedHeaders: names,
    stamps: Object.fromEntries(names.filter((name) => name in options).map((name) => [name, options[name]])),
  };
}

function lovageOf(options: SignatureOptions, inherited: LovageProperties | undefined): Partial<TaskMessage> | undefined {
  const own = options.lovage as LovageProperties | undefined;
  return own === undefined && inherited === undefined ? undefined : { lovage: { ...inherited, ...own } };
}

/** Options that Celery does not know become message properties (celery-wire.md §1.1); stamps are no properties. */
function propertiesOf(options: SignatureOptions): Partial<TaskMessage> | undefined {
  let properties: Record<string, unknown> | undefined;
  for (const key in options) {
    if (isSignatureOption(key) || options.stamped_headers?.includes(key) || options[key] === undefined || options[key] === null) continue;
    properties ??= {};
    properties[key] = options[key];
  }
  return properties === undefined ? undefined : { properties };
}
