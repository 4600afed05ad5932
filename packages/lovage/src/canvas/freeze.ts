/**
 * Freezing: every task of a composition gets its id before any of it is sent, so that results can be awaited and chords
 * can name their bodies (celery-wire.md §6.4, §7.2). Ids that stand in a signature are always kept.
 */
import type { IdSource } from "../kernel/ids.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { LovageProperties, Signature, SignatureOptions } from "../message/task-message.ts";
import { endingInTask, queueOfFirst } from "./empty-ends.ts";
import type { Routing } from "./routing.ts";
import { bodyOf, flattened, headerOf, linkedBody, linkedHeader, stepsOf, tasksOf, withoutChunks } from "./steps.ts";

/** What an enclosing group or chord gives to the task that stands for a member. */
export interface Membership {
  readonly taskId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly groupIndex?: number | undefined;
  /** The chord's frozen body. */
  readonly chord?: Signature | undefined;
  readonly parent?: ResultTuple | null | undefined;
}

export interface FreezeContext {
  readonly ids: IdSource;
  /** Handed to every task, in an option that Python carries along (celery-wire.md §6.1). */
  readonly lovage: LovageProperties | undefined;
  readonly routing: Routing;
}

export interface Frozen {
  readonly signature: Signature;
  readonly result: ResultTuple;
}

export function freeze(given: Signature, context: FreezeContext, member: Membership = {}): Frozen {
  const signature = withoutChunks(given);
  switch (signature.subtask_type) {
    case "chain":
      return freezeChain(signature, context, member);
    case "group":
      return freezeGroup(signature, context, member);
    case "chord":
      return freezeChord(signature, context, member);
    default:
      return freezeTask(signature, context, member);
  }
}

function freezeTask(signature: Signature, context: FreezeContext, member: Membership): Frozen {
  const id = signature.options.task_id ?? member.taskId ?? context.ids();
  const options: SignatureOptions = withMembership({ ...signature.options, task_id: id }, member, context);
  return { signature: { ...signature, options }, result: [[id, member.parent ?? null], null] };
}

function withMembership(options: Record<string, unknown>, member: Membership, context: FreezeContext): SignatureOptions {
  if (member.groupId !== undefined && (options.group_id === undefined || options.group_id === null)) options.group_id = member.groupId;
  if (member.groupIndex !== undefined) options.group_index = member.groupIndex;
  if (member.chord !== undefined) options.chord = member.chord;
  if (context.lovage !== undefined) options.lovage = { ...context.lovage, ...(options.lovage as LovageProperties | undefined) };
  return options;
}

/** Membership goes to the last step alone; each step's result knows the one before. */
function freezeChain(signature: Signature, context: FreezeContext, member: Membership): Frozen {
  const steps = stepsOf(signature);
  const last = steps.length - 1;
  let parent = member.parent ?? null;
  const frozen: Signature[] = [];
  for (const [index, step] of steps.entries()) {
    const inner = index === last ? { ...member, taskId: signature.options.task_id ?? member.taskId, parent } : { parent };
    const done = freeze(step, context, inner);
    frozen.push(done.signature);
    parent = done.result;
  }
  const result = parent ?? [[context.ids(), null], null];
  const { link: _, link_error: __, ...options } = signature.options;
  return { signature: { ...signature, kwargs: { tasks: frozen }, options: { ...options, task_id: result[0][0] } }, result };
}

function freezeGroup(signature: Signature, context: FreezeContext, member: Membership): Frozen {
  const { options } = signature;
  // The last step of a header's chain is called like the chord itself (celery-wire.md §7.1).
  const id = options.task_id ?? member.taskId ?? member.groupId ?? context.ids();
  const inherited = { groupId: member.groupId ?? options.group_id ?? undefined, chord: member.chord ?? options.chord ?? undefined };
  const members = flattened(tasksOf(signature)).map((task, groupIndex) => freeze(task, context, { ...inherited, groupIndex }));
  const frozen: Signature = {
    ...signature,
    kwargs: { tasks: members.map((each) => each.signature) },
    options: withMembership(
      { ...options, task_id: id },
      { ...member, groupIndex: indexOfGroup(member) },
      { ...context, lovage: undefined },
    ),
  };
  return { signature: frozen, result: [[id, member.parent ?? null], members.map((each) => each.result)] };
}

/**
 * In a chord Celery's clients write it. Elsewhere it is nobody's, and its worker of 5.2 that starts the group would give it to
 * all members of a chord in it, whose order were chance.
 */
const indexOfGroup = ({ chord, groupIndex }: Membership): number | undefined => (chord === undefined ? undefined : groupIndex);

/** What a frozen chord's header is called: `options.task_id` is the header's id once the header is a frozen group (§6.4). */
function headerId(chord: Signature, context: FreezeContext): string {
  return headerOf(chord).options.task_id ?? context.ids();
}

function freezeChord(signature: Signature, context: FreezeContext, member: Membership): Frozen {
  return frozenChord(signature, context, member, headerId(signature, context), false);
}

/**
 * A chord that is about to start: members carry its group id, and its body too unless it is a member of another chord
 * (Celery ≥ 5.6, celery-wire.md §7.2). One that waits inside a chain is frozen without them. Neither writes the body into the
 * members: whoever starts the chord, Python too, does that as it sends them. Celery's clients write it into waiting members
 * as well, so that every group of a chain multiplies its bytes by the group's size (celery-wire.md §6.4).
 */
export function sealChord(signature: Signature, context: FreezeContext, member: Membership): Frozen & { readonly header: Frozen } {
  return frozenChord(signature, context, member, headerId(signature, context), true);
}

function frozenChord(
  signature: Signature,
  context: FreezeContext,
  member: Membership,
  groupId: string,
  isSealed: boolean,
): Frozen & { readonly header: Frozen } {
  const body = freezeBody(signature, context, member, groupId, isSealed);
  const header = freeze(countedHeader(signature, context), context, {
    taskId: groupId,
    parent: member.parent,
    groupId: isSealed ? groupId : undefined,
  });
  const { link: _, link_error: __, ...options } = signature.options;
  const frozen: Signature = {
    ...signature,
    kwargs: { kwargs: {}, ...signature.kwargs, header: header.signature, body: body?.signature ?? null },
    options: { ...options, task_id: groupId },
  };
  return { signature: frozen, result: body === null ? header.result : reparent(body.result, header.result), header };
}

/** Each of its members ends in tasks that can report. */
function countedHeader(chord: Signature, { routing }: FreezeContext): Signature {
  const header = headerOf({ ...chord, kwargs: { ...chord.kwargs, header: linkedHeader(chord) } });
  const body = bodyOf(chord);
  if (body === null) return header;
  const tasks = flattened(tasksOf(header)).map((member) => endingInTask(member, (end) => queueOfFirst(end, routing), body));
  return { ...header, kwargs: { ...header.kwargs, tasks } };
}

function freezeBody(signature: Signature, context: FreezeContext, member: Membership, groupId: string, isSealed: boolean): Frozen | null {
  const [body] = linkedBody(signature);
  if (body === undefined) return null;
  const { options } = signature;
  // An unfrozen chord's own task_id means its body; a frozen one's means its header.
  const own = options.task_id === groupId ? undefined : (options.task_id ?? undefined);
  return freeze(body, context, {
    taskId: own ?? member.taskId,
    groupId: member.groupId ?? (isSealed ? groupId : undefined),
    groupIndex: member.groupIndex,
    chord: member.chord,
  });
}

/** The first result of a body gets the header for parent: a chain's tuple nests towards its first step. */
function reparent(result: ResultTuple, parent: ResultTuple): ResultTuple {
  const [[id, own], children] = result;
  return [[id, own === null ? parent : reparent(own, parent)], children];
}
