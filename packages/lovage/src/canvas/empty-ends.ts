/**
 * A chord counts the tasks that its members end with, and an empty group has none: of a member that ends in one nobody would
 * ever report, and the body would wait for ever, as it does in Celery 5.6. Such an end becomes a task that every worker knows
 * and that gives what the group would: the empty list.
 */
import type { QueueName, Signature, SignatureOptions } from "../message/task-message.ts";
import { type Routing, routeOf } from "./routing.ts";
import { bodyOf, flattened, headerOf, tasksOf, withoutChunks } from "./steps.ts";

/** Where the task goes, given the body that waits for it. */
export type QueueOf = (body: Signature) => QueueName | undefined;

/** @param body of the chord that it is a member of; absent where a frozen end names its chord itself. */
export function endingInTask(given: Signature, queueOf: QueueOf, body?: Signature): Signature {
  const signature = withoutChunks(given);
  switch (signature.subtask_type) {
    case "chain": {
      const tasks = tasksOf(signature);
      const last = tasks.at(-1);
      const end = last === undefined ? emptyList(signature.options, queueOf, body) : endingInTask(last, queueOf, body);
      return end === undefined || end === last ? signature : withParts(signature, { tasks: [...tasks.slice(0, -1), end] });
    }
    case "group": {
      const members = flattened(tasksOf(signature));
      if (members.length === 0) return emptyList(signature.options, queueOf, body) ?? signature;
      const ended = members.map((member) => endingInTask(member, queueOf, body));
      return ended.every((member, i) => member === members[i]) ? given : withParts(signature, { tasks: ended });
    }
    case "chord": {
      const end = bodyOf(signature) ?? headerOf(signature);
      const ended = endingInTask(end, queueOf, body);
      return ended === end ? signature : withParts(signature, bodyOf(signature) === null ? { header: ended } : { body: ended });
    }
    default:
      return signature;
  }
}

const withParts = (signature: Signature, parts: Signature["kwargs"]): Signature => ({
  ...signature,
  kwargs: { ...signature.kwargs, ...parts },
});

/** undefined: no body waits for it. */
function emptyList(options: SignatureOptions, queueOf: QueueOf, body = options.chord ?? undefined): Signature | undefined {
  if (body === undefined) return undefined;
  const queue = queueOf(body);
  const own = queue === undefined ? options : { queue, ...options };
  return { task: "celery.accumulate", args: [], kwargs: {}, options: own, subtask_type: null, immutable: true };
}

/** The queue of what it begins with. */
export function queueOfFirst(signature: Signature, routing: Routing): QueueName | undefined {
  if (signature.options.queue) return signature.options.queue;
  if (signature.subtask_type === null) return routeOf(signature, signature.args, routing).queue;
  const [first] = signature.subtask_type === "chord" ? tasksOf(headerOf(signature)) : tasksOf(withoutChunks(signature));
  return first === undefined ? undefined : queueOfFirst(first, routing);
}
