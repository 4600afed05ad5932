/**
 * Messages of one store's queues onto another: what waits, and what is parked with its time. Each is published there once, however often
 * this is killed and begun again (where the target remembers calls: Redis), and only then taken away here. Results, dead letters and what runs stay where they are.
 */
import { createHash } from "node:crypto";
import type { Standing } from "../broker/queue-admin.ts";
import type { Outgoing } from "../message/commit.ts";
import { peekHeaders } from "../message/decode.ts";
import type { QueueName } from "../message/task-message.ts";
import type { Store } from "../store/store.ts";

export interface MigrateOptions {
  /** @defaultValue all that the source knows */
  readonly queues?: readonly QueueName[];
  /** Only messages of these tasks. @defaultValue all */
  readonly tasks?: readonly string[];
  readonly limit?: number;
  /** Take them away from the source. false: they are copied. */
  readonly remove: boolean;
  /** Ends it between two pages. */
  readonly signal?: AbortSignal;
  onPage?(migrated: number): void;
}

const perPage = 200;
const deadlineMs = 10_000;

/** One pass over what is there. Returns how many went. */
export async function migrate(source: Store, target: Store, options: MigrateOptions): Promise<number> {
  const { signal, onPage } = options;
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let migrated = 0;
  for (const queue of options.queues ?? (await source.broker.queues.names())) {
    const [depth = 0] = await source.broker.queues.depth([queue]);
    for (let [left, skip] = [depth, 0]; left > 0 && migrated < limit && signal?.aborted !== true; ) {
      const page = await source.broker.queues.page(queue, skip, Math.min(perPage, left));
      if (page.length === 0) break;
      const meant = page.filter((each) => isMeant(each, options)).slice(0, limit - migrated);
      migrated += await carry(source, target, meant, options.remove);
      skip += options.remove ? page.length - meant.length : page.length;
      left -= page.length;
      onPage?.(migrated);
    }
  }
  return migrated + (await migrateParked(source, target, options, limit - migrated));
}

async function migrateParked(source: Store, target: Store, options: MigrateOptions, limit: number): Promise<number> {
  const parked: Standing[] = [];
  for await (const page of source.broker.queues.scan())
    parked.push(
      ...page.filter((each) => each.place === "parked" && (options.queues?.includes(each.queue) ?? true) && isMeant(each, options)),
    );
  let migrated = 0;
  const meant = parked.slice(0, limit);
  for (let at = 0; at < meant.length && options.signal?.aborted !== true; at += perPage)
    migrated += await carry(source, target, meant.slice(at, at + perPage), options.remove);
  return migrated;
}

const isMeant = ({ bytes }: Standing, { tasks }: MigrateOptions): boolean =>
  tasks === undefined || tasks.includes(peekHeaders(bytes)?.task ?? "");

async function carry(source: Store, target: Store, messages: readonly Standing[], remove: boolean): Promise<number> {
  if (messages.length === 0) return 0;
  const { storeNow } = await source.leases.promote(0);
  const seen = new Set<string>();
  const ids = messages.map((message) => (remove ? onceId(message, seen) : null));
  await Promise.all(messages.map((message, i) => publish(target, ids[i] ?? null, outgoing(message, storeNow))));
  if (!remove) return messages.length;
  const gone = await source.broker.queues.rearrange(messages.map((message) => ({ message })));
  await forget(target, ids);
  // A worker of the source took it meanwhile: it is that one's.
  const twice = messages.filter((_, i) => gone[i] !== true);
  if (twice.length > 0) await target.broker.queues.rearrange(twice.map((message) => ({ message })));
  return messages.length - twice.length;
}

function outgoing({ queue, bucket, bytes, parked }: Standing, storeNow: number): Outgoing {
  const headers = peekHeaders(bytes);
  const message = { taskId: headers?.id ?? "", queue, priority: headers?.priority ?? bucket, bytes };
  const isTimed = parked !== undefined && parked.dueMs !== null && (parked.why === "eta" || parked.why === "retry");
  return isTimed ? { ...message, parkMs: Math.max(1, (parked.dueMs ?? 0) - storeNow) } : message;
}

/**
 * What a killed migration is recognised by when it begins again. null: bytes without a delivery tag, or the same once more; such a
 * message may be there twice then, and is never taken for one that is there already.
 */
function onceId({ queue, bytes }: Standing, seen: Set<string>): string | null {
  if (peekHeaders(bytes)?.deliveryTag == null) return null;
  const id = `migrate-${createHash("sha1").update(queue).update("\n").update(bytes).digest("hex")}`;
  if (seen.has(id)) return null;
  seen.add(id);
  return id;
}

/** An embedded store remembers no calls: a migration onto it that is killed may put a page there twice. */
function publish({ broker }: Store, id: string | null, message: Outgoing): Promise<void> {
  const publication = { messages: [message] };
  if (id === null || broker.publishOnce === undefined) return broker.publish(publication);
  return broker.publishOnce(id, publication, { deadlineMs, forget: [] });
}

/** They are gone at the source: should the same ever come again, it is another. */
async function forget({ broker }: Store, ids: readonly (string | null)[]): Promise<void> {
  const done = ids.filter((id) => id !== null);
  if (done.length > 0) await broker.publishOnce?.("migrate-done", { messages: [] }, { deadlineMs, forget: done });
}
