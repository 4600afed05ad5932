/** Lovage alone: one long-lived worker inside this process, on any store. */
import { type App, type AsyncResult, createApp, type GroupResult, type TaskSignature } from "lovage";
import { startWorker } from "lovage/worker";
import { build } from "./build.ts";
import { alone } from "./evaluate.ts";
import type { Fleet, Job } from "./fleet.ts";
import type { Handle, Stored } from "./observe.ts";
import { type Record, tasksOf } from "./tasks.ts";

const queue = "fuzz";
/** Whatever it is: all of them can be cloned with more arguments. */
type AnyTaskSignature = TaskSignature<readonly unknown[]>;

/** @param url of the store, which nobody else uses. */
export async function lovageFleet(name: string, url: string): Promise<Fleet> {
  const records = new Map<string, Record[]>();
  const write = (record: Record) => void listOf(records, keyOf(record)).push(record);
  const tasks = [tasksOf("ts", write), tasksOf("py", write)];
  const app = createApp({ name: "fuzz", broker: url, tasks, taskDefaultQueue: queue, environment: false, folder: false });
  const worker = await startWorker(app, { pool: "inline", concurrency: 50, queues: [queue], logLevel: "silent" });
  await worker.ready;
  return {
    name,
    celery: null,
    sides: () => alone("ts"),
    send: (jobs) => Promise.all(jobs.map((job) => send(app, job))),
    records: async () => records,
    load: (ids) => load(app, ids),
    waiting: async () => (await (await app.store()).broker.queues.depth([queue]))[0] ?? 0,
    close: async () => {
      await worker.stop("cold");
      await app.close();
    },
  };
}

export const keyOf = ({ label }: Record): string => label.slice(0, label.lastIndexOf(":"));

export function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

export async function send(app: App, { canvas, key }: Job): Promise<Handle | Error> {
  try {
    const built = build(canvas, key) as AnyTaskSignature;
    const whole = canvas.given === undefined ? built : built.clone(canvas.given);
    return handleOf((await app.send(whole as never)) as AsyncResult | GroupResult);
  } catch (error) {
    return error as Error;
  }
}

const handleOf = (result: AsyncResult | GroupResult): Handle => ("results" in result ? { group: result.results.map(handleOf) } : result.id);

export async function load(app: App, ids: readonly string[]): Promise<readonly Stored[]> {
  const records = await (await app.store()).results.load(ids);
  return records.map((record) => {
    if (record === undefined) return undefined;
    const { status, result } = JSON.parse(String(record.document));
    return { state: status, result };
  });
}
