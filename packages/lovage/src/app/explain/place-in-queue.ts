/** How many go before a waiting message, and how long they will take if they take as long as such tasks did. */
import { peekHeaders } from "../../message/decode.ts";
import type { QueueName, TaskId } from "../../message/task-message.ts";
import { runtimeBoundsMs, type Store } from "../../store/store.ts";

export interface PlaceInQueue {
  readonly before: number;
  readonly urgent: number;
  readonly depth: number;
  readonly startsInMs: number | null;
}

export interface Wanted {
  readonly queue: QueueName;
  readonly bucket: number;
  readonly id: TaskId;
  /** Of those who consume the queue, together. */
  readonly slots: number;
}

const perPage = 1000;

export async function placeInQueue({ broker, counters }: Store, { queue, bucket, id, slots }: Wanted): Promise<PlaceInQueue> {
  const tasks = new Map<string | null, number>();
  let [before, urgent, found] = [0, 0, false];
  for (let from = 0, full = true; full && !found; from += perPage) {
    const page = await broker.queues.page(queue, from, perPage);
    full = page.length === perPage;
    for (const message of page) {
      const headers = peekHeaders(message.bytes);
      if (headers?.id === id) {
        found = true;
        break;
      }
      before += 1;
      if (message.bucket < bucket) urgent += 1;
      const task = headers?.task ?? null;
      tasks.set(task, (tasks.get(task) ?? 0) + 1);
    }
  }
  const [depth = 0] = await broker.queues.depth([queue]);
  return { before, urgent, depth, startsInMs: slots === 0 ? null : estimate(tasks, await counters(), slots) };
}

/** null: of some of them nobody knows how long they take. */
function estimate(tasks: ReadonlyMap<string | null, number>, counters: Readonly<Record<string, number>>, slots: number): number | null {
  let sum = 0;
  for (const [task, count] of tasks) {
    const mean = task === null ? null : meanMs(task, counters);
    if (mean === null) return null;
    sum += mean * count;
  }
  return sum / slots;
}

/** Of all its runs so far, each taken for the middle of its histogram bucket. */
function meanMs(task: string, counters: Readonly<Record<string, number>>): number | null {
  let [runs, total] = [0, 0];
  for (const [field, count] of Object.entries(counters)) {
    const bound = field.startsWith(`${task}|`) ? /\|le:(\d+)$/.exec(field)?.[1] : undefined;
    if (bound === undefined) continue;
    const at = runtimeBoundsMs.indexOf(Number(bound));
    runs += count;
    total += count * (((runtimeBoundsMs[at - 1] ?? 0) + Number(bound)) / 2);
  }
  return runs === 0 ? null : total / runs;
}
