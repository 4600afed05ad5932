/** What a node has to do, from slot tables, in-flight records and parked messages: right while user code loops. */
import type { Fleet } from "../../../broker/leases.ts";
import type { LimitName } from "../../../broker/limits.ts";
import type { ActiveRun, NodeWork, ReservedTask, ScheduledTask } from "../../../control/node-view.ts";
import { decodeTaskMessage } from "../../../message/decode.ts";
import type { QueueName, TaskMessage } from "../../../message/task-message.ts";
import { readWireTime } from "../../../message/wire-time.ts";
import type { Store } from "../../../store/store.ts";
import type { ConsumedQueues } from "../consumed-queues.ts";
import type { Member } from "../member.ts";

export interface NodeWorkOptions {
  readonly nodeName: string;
  readonly store: Store;
  readonly queues: ConsumedQueues;
  members(): readonly Member[];
  /** Of rates that are this node's own. */
  lines(): readonly LimitName[];
}

/** Of messages that wait for something: who asks for more had better ask for the queue. */
const mostWaiting = 1000;
/** Milliseconds for a watchdog to answer; callers wait for one second. */
const askWithinMs = 500;

interface Sorted {
  readonly active: readonly ActiveRun[];
  readonly reserved: readonly ReservedTask[];
  /** On their way to be parked. */
  readonly scheduled: readonly ScheduledTask[];
}
const nothing: Sorted = { active: [], reserved: [], scheduled: [] };

export function nodeWork({ nodeName, store, queues, members, lines }: NodeWorkOptions): NodeWork {
  const sortedOf = async ({ runner, epoch }: Member): Promise<Sorted> => {
    const [{ taken }, deliveries] = await Promise.all([runner.slots(askWithinMs), store.leases.held(epoch)]);
    const runs = new Map(taken.map(({ number, runningMs }) => [number, Date.now() - runningMs]));
    const [active, reserved, scheduled]: [ActiveRun[], ReservedTask[], ScheduledTask[]] = [[], [], []];
    for (const { id, bytes, ackedEarly } of deliveries) {
      const message = decoded(bytes);
      const startedAt = runs.get(id.number);
      if (message === undefined) continue;
      const dueAt = message.eta === null ? 0 : (readWireTime(message.eta)?.ms ?? 0);
      if (startedAt !== undefined) active.push({ message, ackedEarly, startedAt, workerPid: runner.pid });
      else if (dueAt > Date.now()) scheduled.push({ message, ackedEarly, dueAt });
      else reserved.push({ message, ackedEarly });
    }
    return { active, reserved, scheduled };
  };
  /** A runner that does not answer is left out: the others' are worth having. */
  const sorted = () => Promise.all(members().map((member) => sortedOf(member).catch(() => nothing)));
  return {
    active: async () => (await sorted()).flatMap(({ active }) => active),
    async reserved() {
      // First: what is put in line meanwhile is met there.
      const held = (await sorted()).flatMap(({ reserved }) => reserved);
      const inLine = await store.limits.waiting(lines(), mostWaiting);
      const waiting = inLine.flatMap((bytes) => decoded(bytes) ?? []).map((message) => ({ message, ackedEarly: false }));
      return [...waiting, ...missingFrom(waiting, held)];
    },
    async scheduled() {
      // First: what is parked meanwhile is met there.
      const coming = (await sorted()).flatMap(({ scheduled }) => scheduled);
      const [due, { nodes }] = await Promise.all([store.broker.queues.due(mostWaiting), store.leases.fleet()]);
      const mine = new Set(queues.names.filter((queue) => nodeName === speakerFor(queue, nodes)));
      const parked = due.flatMap(({ queue, bytes, parked }): ScheduledTask[] => {
        const message = mine.has(queue) ? decoded(bytes) : undefined;
        return message === undefined ? [] : [{ message, ackedEarly: false, dueAt: parked?.dueMs ?? 0 }];
      });
      return [...parked, ...missingFrom(parked, coming)];
    },
  };
}

/** Those of `tasks` that `known` does not hold. */
function missingFrom<T extends ReservedTask>(known: readonly ReservedTask[], tasks: readonly T[]): readonly T[] {
  const ids = new Set(known.map(({ message }) => message.id));
  return tasks.filter(({ message }) => !ids.has(message.id));
}

/** What is parked is in no node: of those that consume its queue, the first by name tells of it, so that it is told once. */
const speakerFor = (queue: QueueName, nodes: Fleet["nodes"]): string | undefined =>
  nodes
    .filter(({ info }) => info.queues.includes(queue))
    .map(({ info }) => info.name)
    .sort()[0];

/** What cannot be read is on its way to the dead letters. */
function decoded(bytes: Uint8Array): TaskMessage | undefined {
  try {
    return decodeTaskMessage(bytes);
  } catch {
    return undefined;
  }
}
