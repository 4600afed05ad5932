/** Queues as an app shows them: what waits where, since when, for whom; and messages moved, removed, held back. */
import { hostname } from "node:os";
import type { NodeInfo } from "../broker/leases.ts";
import { addPause, type Pause, readPauses, removePause } from "../broker/pauses.ts";
import type { QueueAdmin, Standing, Waiting } from "../broker/queue-admin.ts";
import { UsageError } from "../kernel/errors.ts";
import { peekHeaders } from "../message/decode.ts";
import { markMoved } from "../message/mark-moved.ts";
import type { QueueName, TaskId } from "../message/task-message.ts";
import type { Store } from "../store/store.ts";
import { whyNoQueueName } from "../task/queue-name.ts";
import { type QueueLine, queueLine } from "./queue-line.ts";

export interface QueueSummary {
  readonly queue: QueueName;
  /** Messages that wait for a worker, all priorities together. */
  readonly waiting: number;
  /** The same by priority bucket, the most urgent first. */
  readonly byPriority: readonly { readonly priority: number; readonly count: number }[];
  /** Held back: for their time, a retry, a place at a limit. */
  readonly parked: number;
  /** In the hands of Lovage's runners. */
  readonly running: number;
  /** Names of Lovage's nodes that consume it. Python's say so only when they are asked (`lovage inspect active_queues`). */
  readonly consumers: readonly string[];
  readonly paused: Pause | null;
  /** When the one that waits longest was sent. "unknown": those at the front came from a Python producer, which does not say. null: none waits. */
  readonly oldest: Date | "unknown" | null;
}

export interface QueuedMessage {
  /** How many go before it. */
  readonly place: number;
  readonly queue: QueueName;
  /** The priority bucket, 0 = most urgent. */
  readonly priority: number;
  /** null: its bytes do not say. */
  readonly task: string | null;
  readonly taskId: TaskId | null;
  readonly retries: number;
  readonly eta: string | null;
  readonly expires: string | null;
  /** null: it does not say (Python's do not). */
  readonly sentAt: Date | null;
  /** As it stands in the store. */
  readonly bytes: Uint8Array;
}

/** Which messages are meant: all that is given has to fit. `{}`: all. */
export interface MessageSelection {
  readonly id?: TaskId;
  /** Name of the task. */
  readonly task?: string;
  /** The one at this place, as `peek` shows it: for bytes that nobody can read. */
  readonly place?: number;
  /** At most so many, from the front. */
  readonly limit?: number;
}

export interface TaskCount {
  /** null: the bytes do not say. */
  readonly task: string | null;
  readonly waiting: number;
}

export interface AppQueues {
  /** All queues that hold or have held messages, that nodes consume, or that are paused. */
  list(queues?: readonly QueueName[]): Promise<readonly QueueSummary[]>;
  /** What goes next, in order. Removes nothing. @defaultValue from 0, limit 20 */
  peek(queue: QueueName, options?: { readonly from?: number; readonly limit?: number }): Promise<readonly QueuedMessage[]>;
  /** The first `limit` messages in the order in which they start, without what was revoked meanwhile. Cheaper than `peek`. */
  line(queue: QueueName, limit: number): Promise<QueueLine>;
  /** How many wait of each task, the most first. Reads every message's headers. */
  counts(queue: QueueName): Promise<readonly TaskCount[]>;
  /**
   * To the back of another queue, in their order and with their priority; parked ones too, with their time. Each goes in one step: whoever
   * is killed meanwhile, none is lost and none doubled. Returns how many went. @throws {UsageError} LOVAGE_QUEUE_SAME, LOVAGE_QUEUE_NAME
   */
  move(from: QueueName, to: QueueName, selection?: MessageSelection): Promise<number>;
  /** Removes messages that wait or are parked; never one that runs. Returns how many. @throws {UsageError} LOVAGE_QUEUE_SELECTION when nothing says which. */
  remove(queue: QueueName, selection: MessageSelection): Promise<number>;
  /** No Lovage node takes from it until it is resumed; what runs goes on. Outlives restarts. false: it was paused already. */
  pause(queue: QueueName, options?: { readonly why?: string }): Promise<boolean>;
  /** false: it was not paused. */
  resume(queue: QueueName): Promise<boolean>;
  paused(): Promise<readonly Pause[]>;
}

/** Messages per look. */
const perPage = 1000;
/** Messages that one call takes away: it holds up everyone else. */
const atOnce = 200;

export class QueueDesk implements AppQueues {
  readonly #store: () => Promise<Store>;
  readonly #now: () => number;

  constructor(store: () => Promise<Store>, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  async list(queues?: readonly QueueName[]): Promise<readonly QueueSummary[]> {
    const { broker, leases, state } = await this.#store();
    const [known, { nodes }, pauses] = await Promise.all([broker.queues.names(), leases.fleet(), readPauses(state)]);
    const infos = nodes.map(({ info }) => info);
    const names = queues ?? sortedOnce([...known, ...infos.flatMap((info) => info.queues), ...pauses.map(({ queue }) => queue)]);
    const counts = await broker.queues.counts(names);
    return Promise.all(
      names.map(async (queue, i) => {
        const { waiting = [], parked = 0, running = 0 } = counts[i] ?? {};
        return {
          queue,
          waiting: waiting.reduce((sum, { count }) => sum + count, 0),
          byPriority: waiting.map(({ bucket, count }) => ({ priority: bucket, count })),
          parked,
          running,
          consumers: consumersOf(infos, queue),
          paused: pauses.find((pause) => pause.queue === queue) ?? null,
          oldest: await oldestOf(broker.queues, queue, waiting),
        };
      }),
    );
  }

  async peek(queue: QueueName, { from = 0, limit = 20 }: { readonly from?: number; readonly limit?: number } = {}) {
    const { broker } = await this.#store();
    return (await broker.queues.page(queue, from, limit)).map((message, i) => shown(message, from + i));
  }

  async line(queue: QueueName, limit: number): Promise<QueueLine> {
    return queueLine(await this.#store(), queue, limit);
  }

  async counts(queue: QueueName): Promise<readonly TaskCount[]> {
    const { broker } = await this.#store();
    const counts = new Map<string | null, number>();
    for await (const page of pagesOf(broker.queues, queue))
      for (const { bytes } of page) {
        const task = peekHeaders(bytes)?.task ?? null;
        counts.set(task, (counts.get(task) ?? 0) + 1);
      }
    return [...counts].map(([task, waiting]) => ({ task, waiting })).sort((a, b) => b.waiting - a.waiting);
  }

  async move(from: QueueName, to: QueueName, selection: MessageSelection = {}): Promise<number> {
    checkName(to);
    if (from === to) throw new UsageError("LOVAGE_QUEUE_SAME", `Cannot move messages of queue "${from}" to itself: name another queue.`);
    return this.#take(from, selection, ({ bytes }) => ({ queue: to, bytes: markMoved(bytes, to) }));
  }

  async remove(queue: QueueName, selection: MessageSelection): Promise<number> {
    const { id, task, place } = selection;
    if (id === undefined && task === undefined && place === undefined)
      throw new UsageError(
        "LOVAGE_QUEUE_SELECTION",
        `Cannot remove messages of queue "${queue}": say which by id, task or place. To empty a queue there is purge.`,
      );
    return this.#take(queue, selection, () => undefined);
  }

  async #take(queue: QueueName, selection: MessageSelection, target: Target): Promise<number> {
    const { broker } = await this.#store();
    const limit = selection.limit ?? Number.POSITIVE_INFINITY;
    if (selection.place !== undefined) {
      const found = await broker.queues.page(queue, selection.place, 1);
      return takeAll(broker.queues, found.filter(({ bytes }) => fits(bytes, selection)).slice(0, limit), target);
    }
    let taken = 0;
    // Queues move meanwhile: another pass finds what one passed over. Of one task there is one message.
    for (let pass = 0, more = 1; pass < (selection.id === undefined ? 3 : 1) && more > 0 && taken < limit; pass += 1) {
      more = await takeWaiting(broker.queues, queue, { ...selection, limit: limit - taken }, target);
      taken += more;
    }
    if (taken >= limit) return taken;
    const parked: Standing[] = [];
    for await (const page of broker.queues.scan())
      parked.push(...page.filter((each) => each.place === "parked" && each.queue === queue && fits(each.bytes, selection)));
    return taken + (await takeAll(broker.queues, parked.slice(0, limit - taken), target));
  }

  async pause(queue: QueueName, { why }: { readonly why?: string } = {}): Promise<boolean> {
    checkName(queue);
    const { state, bus } = await this.#store();
    return addPause(state, bus, { queue, since: this.#now(), by: hostname(), why: why ?? null });
  }

  async resume(queue: QueueName): Promise<boolean> {
    const { state, bus } = await this.#store();
    return removePause(state, bus, queue);
  }

  async paused(): Promise<readonly Pause[]> {
    return readPauses((await this.#store()).state);
  }
}

function checkName(queue: QueueName): void {
  const why = whyNoQueueName(queue);
  if (why === undefined) return;
  throw new UsageError("LOVAGE_QUEUE_NAME", `Cannot use ${JSON.stringify(queue)} as a queue: ${why}. Name another.`, {
    details: { queue },
  });
}

/** Where a message goes; undefined: nowhere. */
type Target = (message: Standing) => { readonly queue: QueueName; readonly bytes: Uint8Array | string } | undefined;

async function takeAll(queues: QueueAdmin, messages: readonly Standing[], target: Target): Promise<number> {
  const removals = messages.map((message) => {
    const to = target(message);
    return to === undefined ? { message } : { message, to };
  });
  let taken = 0;
  for (let at = 0; at < removals.length; at += atOnce)
    taken += (await queues.rearrange(removals.slice(at, at + atOnce))).filter(Boolean).length;
  return taken;
}

/** From the front, once over what waits there now: what comes meanwhile is not awaited. */
async function takeWaiting(queues: QueueAdmin, queue: QueueName, selection: MessageSelection, target: Target): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY } = selection;
  let [left = 0] = await queues.depth([queue]);
  let [taken, skip] = [0, 0];
  while (left > 0 && taken < limit) {
    const page = await queues.page(queue, skip, Math.min(perPage, left));
    if (page.length === 0) break;
    const meant = page.filter(({ bytes }) => fits(bytes, selection)).slice(0, limit - taken);
    taken += meant.length === 0 ? 0 : await takeAll(queues, meant, target);
    skip += page.length - meant.length;
    left -= page.length;
  }
  return taken;
}

function fits(bytes: Uint8Array, { id, task }: MessageSelection): boolean {
  if (id === undefined && task === undefined) return true;
  // Most bytes that do not name it need not be read.
  if (id !== undefined && /^[\w.:-]+$/.test(id) && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(id))
    return false;
  const headers = peekHeaders(bytes);
  return headers !== null && (id === undefined || headers.id === id) && (task === undefined || headers.task === task);
}

async function* pagesOf(queues: QueueAdmin, queue: QueueName): AsyncGenerator<readonly Waiting[]> {
  for (let from = 0; ; from += perPage) {
    const page = await queues.page(queue, from, perPage);
    yield page;
    if (page.length < perPage) return;
  }
}

function shown({ queue, bucket, bytes }: Waiting, place: number): QueuedMessage {
  const headers = peekHeaders(bytes);
  const { task = null, id = null, retries = 0, eta = null, expires = null, sentMs = null } = headers ?? {};
  return {
    place,
    queue,
    priority: bucket,
    task,
    taskId: id,
    retries,
    eta,
    expires,
    sentAt: sentMs === null ? null : new Date(sentMs),
    bytes,
  };
}

/** Of the next one out of each priority: those behind it came later, but for what was given back. */
async function oldestOf(
  queues: QueueAdmin,
  queue: QueueName,
  waiting: readonly { readonly count: number }[],
): Promise<Date | "unknown" | null> {
  const times: (number | null)[] = [];
  let from = 0;
  for (const { count } of waiting) {
    const [first] = count > 0 ? await queues.page(queue, from, 1) : [];
    if (first !== undefined) times.push(peekHeaders(first.bytes)?.sentMs ?? null);
    from += count;
  }
  const known = times.filter((time) => time !== null);
  if (times.length === 0) return null;
  // One that does not say may be older than all that do.
  return known.length === times.length ? new Date(Math.min(...known)) : "unknown";
}

export const consumersOf = (nodes: readonly NodeInfo[], queue: QueueName): readonly string[] =>
  nodes.filter(({ queues }) => queues.includes(queue)).map(({ name }) => name);

const sortedOnce = (names: readonly QueueName[]): readonly QueueName[] => [...new Set(names)].sort();
