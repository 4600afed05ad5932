import type { App } from "../src/app/app.ts";
import { completeChord, continuation } from "../src/execution/continuation.ts";
import { execute } from "../src/execution/execute.ts";
import type { RunControls } from "../src/execution/run-controls.ts";
import { silentLogger } from "../src/kernel/logger.ts";
import type { Commit, Delivery } from "../src/message/commit.ts";
import { decodeTaskMessage } from "../src/message/decode.ts";
import type { TaskMessage } from "../src/message/task-message.ts";

let epochs = 0;

/** A worker in a few lines: takes what is there, runs it, commits; until nothing is left. Returns what it ran. */
export async function work(app: App, queues = ["celery"]): Promise<TaskMessage[]> {
  const store = await app.store();
  const ran: TaskMessage[] = [];
  const node = {
    id: "n",
    name: "n@h",
    host: "h",
    bootId: "b",
    pid: 1,
    processStart: null,
    pool: "inline",
    slots: 1,
    queues,
    tasks: [],
    startedAt: 0,
    runners: [],
  };
  await store.leases.announce(node);
  epochs += 1;
  const epoch = `e${epochs}`;
  await store.leases.open("n", epoch);
  for (let number = 1; ; number++) {
    const { deliveries } = await store.broker.reserve({ epoch, number, queues, count: 10 });
    if (deliveries.length === 0) break;
    for (const delivery of deliveries) ran.push(await runOne(app, delivery, epoch));
  }
  await store.leases.close(epoch);
  return ran;
}

async function runOne(app: App, delivery: Delivery, epoch: string): Promise<TaskMessage> {
  const { broker } = await app.store();
  const message = decodeTaskMessage(delivery.bytes);
  const controls = {
    ...{ delivery: delivery.id, nodeName: "n@h", pid: 1, log: silentLogger, progress: () => undefined },
    publish: (publication) => broker.publish(publication),
    suspend: (waiting) => waiting,
  } as Partial<RunControls> as RunControls;
  const task = app.registry.get(message.task);
  if (task === undefined) throw new Error(`${message.task} is not registered`);
  const outcome = await execute(task, message, controls, app.execution);
  const facts = app.facts({ message, delivery: delivery.id, queue: delivery.queue, nodeName: "n@h" });
  let commit: Commit = continuation(message, outcome, facts);
  for (;;) {
    const [reply] = (await broker.commit(epoch, [commit])).replies;
    if (reply?.kind === "applied") return message;
    if (reply?.kind !== "parts-due") throw new Error(JSON.stringify(reply));
    commit = completeChord(commit, reply, facts);
  }
}
