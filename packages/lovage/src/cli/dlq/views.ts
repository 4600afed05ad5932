/** Dead letters as people and machines read them. */
import type { DeadTask } from "../../app/dead-letters.ts";
import { decodeTaskMessage } from "../../message/decode.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import { facts } from "../output.ts";

const mostDetail = 60;

export const rowOf = ({ id, diedAt, reason, cause, queue, task, detail }: DeadTask): readonly (string | null)[] => [
  id,
  diedAt.toISOString().replace(/\.\d+Z$/, "Z"),
  reason,
  cause ?? null,
  queue,
  task,
  detail.length > mostDetail ? `${detail.slice(0, mostDetail - 1)}…` : detail,
];

export function shownOf({ id, task, taskId, queue, reason, cause, attempts, detail, diedAt }: DeadTask) {
  return { id, task, taskId, queue, reason, cause: cause ?? null, attempts: attempts ?? null, detail, diedAt: diedAt.toISOString() };
}

/** All there is to one letter. */
export function factsOf(letter: DeadTask): { readonly data: unknown; readonly text: string } {
  const shown = shownOf(letter);
  const message = decoded(letter);
  const envelope = Buffer.from(letter.bytes).toString();
  const said = message && {
    ...{ args: message.args, kwargs: message.kwargs, retries: message.retries, rootId: message.rootId, parentId: message.parentId },
    ...{ groupId: message.groupId, origin: message.origin, headers: message.headers, stamps: message.stamps },
    replayedFrom: message.lovage.replayedFrom ?? null,
  };
  const lines = Object.entries({
    ...shown,
    ...(message && { args: message.argsrepr, kwargs: message.kwargsrepr, retries: message.retries }),
  });
  return {
    data: { ...shown, message: said, envelope },
    text: `${facts(lines.map(([name, value]) => [name, value === null ? "-" : String(value)] as const))}\n\n${envelope}`,
  };
}

function decoded({ bytes }: DeadTask): TaskMessage | null {
  try {
    return decodeTaskMessage(bytes);
  } catch {
    return null;
  }
}
