/** The same task once more: a retry of the message (celery-wire.md §8.3), or another signature in its place (§6.8). */
import { endingInTask } from "../canvas/empty-ends.ts";
import { bodyOf, chainSignature, chordSignature, headerOf, linked, tasksOf } from "../canvas/steps.ts";
import type { Outcome, ResultTuple } from "../message/outcome.ts";
import { reprArgs, reprKwargs } from "../message/repr.ts";
import type { Signature, SignatureOptions, TaskMessage } from "../message/task-message.ts";
import { formatWireTime, parseWireTime } from "../message/wire-time.ts";
import { extendedOf, isIgnored } from "./after-success.ts";
import type { FollowUp } from "./follow-up.ts";

type Retry = Extract<Outcome, { kind: "retry" }>;

export function retryFollows(outcome: Retry, follow: FollowUp): void {
  const { facts } = follow;
  const { message } = facts;
  const next = nextAttempt(message, outcome.retry, facts.queue, facts.now);
  // One that expires before that is looked at when it does.
  const livesMs = next.expires === null ? Number.POSITIVE_INFINITY : Math.max(1, parseWireTime(next.expires) - facts.now);
  follow.publish(next, Math.min(outcome.retry.delayMs, livesMs));
  if (isIgnored(facts)) return;
  // The retry counts as a child of its own task (celery-wire.md §14.2 no. 12).
  const children: ResultTuple[] = [...outcome.children, [[message.id, null], null]];
  follow.store(message, { state: "RETRY", result: outcome.error, traceback: outcome.traceback, children }, extendedOf(facts));
}

/** Parked until due; the `eta` is for Python workers, which may get it after a drain. */
function nextAttempt(message: TaskMessage, plan: Retry["retry"], queue: string, now: number): TaskMessage {
  const { deaths: _, suspected: __, lost: ___, unknown: ____, ...lovage } = message.lovage;
  return {
    ...message,
    retries: message.retries + 1,
    eta: plan.delayMs > 0 ? formatWireTime(now + plan.delayMs) : null,
    rootId: message.rootId ?? message.id,
    // A parentless task becomes its own parent (celery-wire.md §6.6).
    parentId: message.parentId ?? message.id,
    redelivered: false,
    exchange: "",
    routingKey: plan.queue ?? queue,
    ...(plan.priority !== undefined && { priority: plan.priority }),
    ...(plan.expires !== undefined && { expires: plan.expires }),
    ...(plan.args !== undefined && { args: plan.args, argsrepr: reprArgs(plan.args) }),
    ...(plan.kwargs !== undefined && { kwargs: plan.kwargs, kwargsrepr: reprKwargs(plan.kwargs) }),
    lovage,
  };
}

/**
 * `celery.accumulate` is a task of every worker: it gives the list that a group's results are. It goes where the replaced task
 * came from: Celery sends it to the default queue, where perhaps nobody is.
 */
const accumulate: Signature = {
  task: "celery.accumulate",
  args: [],
  kwargs: { index: 0 },
  options: {},
  subtask_type: null,
  immutable: false,
};

/** The signature ends under the message's own id, and takes its place in chain, group and chord. */
export function replacementFollows(signature: Signature, follow: FollowUp): void {
  const { message, queue } = follow.facts;
  const nesting = message.replacedTaskNesting + 1;
  const stands = signature.subtask_type === "group" ? chordSignature(tasksOf(signature), { ...accumulate, options: { queue } }) : signature;
  const counted = message.chord === null ? stands : endingInTask(stands, () => queue, message.chord);
  const ending = stampedAs(withLinks(counted, message), message);
  follow.apply(nested(ending, nesting), [], {
    task_id: message.id,
    ...(message.chord !== null && { chord: message.chord }),
    ...(message.groupId !== null && { group_id: message.groupId }),
    ...(message.groupIndex !== null && { group_index: message.groupIndex }),
    ...(message.chain !== null && { chain: message.chain.map((step) => nested(step, nesting)) }),
    replaced_task_nesting: nesting,
  });
}

/** Its tasks keep what the replaced one was stamped with, below stamps of their own: who revokes by a stamp means them too. */
function stampedAs(signature: Signature, message: TaskMessage): Signature {
  const { stampedHeaders, stamps } = message;
  if (stampedHeaders === null || stampedHeaders.length === 0) return signature;
  const again = (part: Signature) => stampedAs(part, message);
  switch (signature.subtask_type) {
    case "chain":
    case "group":
      return { ...signature, kwargs: { tasks: tasksOf(signature).map(again) } };
    case "chord": {
      const body = bodyOf(signature);
      return { ...signature, kwargs: { ...signature.kwargs, header: again(headerOf(signature)), body: body && again(body) } };
    }
    default: {
      const names = [...new Set([...stampedHeaders, ...(signature.options.stamped_headers ?? [])])];
      return { ...signature, options: { ...stamps, ...signature.options, stamped_headers: names } };
    }
  }
}

function withLinks(signature: Signature, message: TaskMessage): Signature {
  if (message.callbacks.length === 0 && message.errbacks.length === 0) return signature;
  const by: Signature = { ...chainSignature([]), options: { link: message.callbacks, link_error: message.errbacks } };
  const [only] = linked([signature], by);
  return only ?? signature;
}

/** Every task of a replacement says how deep it is nested, so that a chain of replacements can be seen. */
function nested(signature: Signature, nesting: number): Signature {
  const options: SignatureOptions = { ...signature.options, replaced_task_nesting: nesting };
  if (signature.subtask_type !== "chain") return { ...signature, options };
  return { ...signature, kwargs: { tasks: tasksOf(signature).map((task) => nested(task, nesting)) }, options };
}
