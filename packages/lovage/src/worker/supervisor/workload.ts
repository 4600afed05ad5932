/** What the runners of a node are at, asked of their watchdogs, and what waits for them in their queues. */
import type { Broker } from "../../broker/broker.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { RunnerSlots } from "../../pool/protocol.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";

export interface WorkloadOptions {
  readonly pool: () => RunnerPool;
  readonly broker: Broker;
  readonly queues: () => readonly QueueName[];
}

/** Milliseconds for a watchdog to answer. */
const askWithinMs = 1000;

export class Workload {
  readonly #options: WorkloadOptions;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Runs that have control. */
  async running(): Promise<number> {
    return (await Promise.all(this.#options.pool().members.map(tasksIn))).reduce((sum, tasks) => sum + tasks, 0);
  }

  /** Messages in the node's queues. */
  async waiting(): Promise<number> {
    const { broker, queues } = this.#options;
    return (await broker.queues.depth(queues())).reduce((sum, depth) => sum + depth, 0);
  }

  /** Runners of which this is true, as their watchdogs tell. */
  async count(isSo: (slots: RunnerSlots) => boolean): Promise<number> {
    const slots = await Promise.all(this.#options.pool().serving.map(({ runner }) => runner.slots(askWithinMs).catch(() => null)));
    return slots.filter((answer) => answer !== null && isSo(answer)).length;
  }

  /** Changes whenever a runner takes or ends something. One that does not answer does neither. */
  async progress(): Promise<string> {
    const ask = ({ runner, epoch }: Member) => runner.slots(askWithinMs).catch(() => ({ epoch, tasksDone: "silent", taken: [] }));
    const slots = await Promise.all(this.#options.pool().serving.map(ask));
    return JSON.stringify(slots.map(({ epoch, tasksDone, taken }) => [epoch, tasksDone, taken.map(({ number }) => number)]));
  }

  /** User code has control in some runner, or nobody can say. */
  async busy(): Promise<boolean> {
    const slots = this.#options.pool().members.map(({ runner }) => runner.slots(askWithinMs));
    return Promise.all(slots).then(
      (runners) => runners.some(({ taken }) => taken.some(({ state }) => state !== "abandoned")),
      () => true,
    );
  }
}

/** Runs that have control; nobody can say of a runner that does not answer: one. */
export async function tasksIn({ runner }: Member): Promise<number> {
  const answer = await runner.slots(askWithinMs).catch(() => null);
  return answer === null ? 1 : answer.taken.filter(({ state }) => state === "running").length;
}
