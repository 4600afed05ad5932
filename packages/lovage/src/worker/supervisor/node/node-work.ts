/** What a node has to do, from slot tables, in-flight records and parked messages: right while user code loops. */
import type { ActiveRun, NodeWork, ReservedTask, ScheduledTask } from "../../../control/node-view.ts";
import type { Delivery, Epoch } from "../../../message/commit.ts";
import { decodeTaskMessage } from "../../../message/decode.ts";
import type { TaskMessage } from "../../../message/task-message.ts";
import type { Member } from "../member.ts";

export interface NodeWorkOptions {
  members(): readonly Member[];
  held(epoch: Epoch): Promise<readonly Delivery[]>;
}

/** Milliseconds for a watchdog to answer; callers wait for one second. */
const askWithinMs = 500;

interface Sorted {
  readonly active: readonly ActiveRun[];
  readonly reserved: readonly ReservedTask[];
}

export function nodeWork({ members, held }: NodeWorkOptions): NodeWork {
  const sortedOf = async ({ runner, epoch }: Member): Promise<Sorted> => {
    const [{ taken }, deliveries] = await Promise.all([runner.slots(askWithinMs), held(epoch)]);
    const runs = new Map(taken.map(({ number, runningMs }) => [number, Date.now() - runningMs]));
    const [active, reserved]: [ActiveRun[], ReservedTask[]] = [[], []];
    for (const { id, bytes, ackedEarly } of deliveries) {
      const message = decoded(bytes);
      const startedAt = runs.get(id.number);
      if (message === undefined) continue;
      if (startedAt === undefined) reserved.push({ message, ackedEarly });
      else active.push({ message, ackedEarly, startedAt, workerPid: runner.pid });
    }
    return { active, reserved };
  };
  /** A runner that does not answer is left out: the others' are worth having. */
  const sorted = () => Promise.all(members().map((member) => sortedOf(member).catch((): Sorted => ({ active: [], reserved: [] }))));
  return {
    active: async () => (await sorted()).flatMap(({ active }) => active),
    reserved: async () => (await sorted()).flatMap(({ reserved }) => reserved),
    scheduled: async (): Promise<readonly ScheduledTask[]> => [],
  };
}

/** What cannot be read is on its way to the dead letters. */
function decoded(bytes: Uint8Array): TaskMessage | undefined {
  try {
    return decodeTaskMessage(bytes);
  } catch {
    return undefined;
  }
}
