/** Who is next in a queue: the ids of what waits there, in the order in which it starts, without what was revoked meanwhile. */
import { standingFor } from "../broker/revokes.ts";
import { peekHeaders } from "../message/decode.ts";
import type { QueueName, TaskId } from "../message/task-message.ts";
import type { Store } from "../store/store.ts";

export interface LinePlace {
  /** null: its bytes do not say. */
  readonly taskId: TaskId | null;
  /** The priority bucket, 0 = most urgent. */
  readonly priority: number;
}

export interface QueueLine {
  readonly places: readonly LinePlace[];
  /** How many messages were looked at; what was revoked is among them. */
  readonly looked: number;
  /** More wait behind those that were looked at. */
  readonly more: boolean;
}

/** The first `limit` messages of a queue. */
export async function queueLine({ broker, revokes }: Store, queue: QueueName, limit: number): Promise<QueueLine> {
  const [page, { latest }] = await Promise.all([broker.queues.page(queue, 0, limit + 1), revokes.since(0, 0)]);
  const waiting = page.slice(0, limit).map(({ bytes, bucket }) => ({ bucket, headers: peekHeaders(bytes) }));
  const readable = waiting.flatMap(({ headers }) => headers ?? []);
  const refused = latest === 0 ? none : await standingFor(revokes, readable);
  const places = waiting.filter(({ headers }) => headers === null || !refused.has(headers));
  return {
    places: places.map(({ headers, bucket }) => ({ taskId: headers?.id ?? null, priority: bucket })),
    looked: waiting.length,
    more: page.length > limit,
  };
}

const none: ReadonlyMap<unknown, never> = new Map<unknown, never>();
