/** Celery alone, or Celery and Lovage side by side: each serves the tasks of its side, and either may start a canvas. */
import { fileURLToPath } from "node:url";
import { createApp } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { startWorker } from "lovage/worker";
import { Child } from "../support/child.ts";
import { Python } from "../support/python.ts";
import { alone } from "./evaluate.ts";
import type { Fleet, Job } from "./fleet.ts";
import { keyOf, listOf, send } from "./lovage-fleet.ts";
import type { Handle, Stored } from "./observe.ts";
import { mappedTasksOf, type Record, tasksOf } from "./tasks.ts";

/** Debian's Celery (5.2) unless `CELERY_PYTHON` names the interpreter of another. */
const interpreter = process.env.CELERY_PYTHON ?? "/usr/bin/python3";
const folder = fileURLToPath(new URL("python/", import.meta.url));

/** A Python client, a Python worker on the queues of `sides`, and the records that they leave in Redis. */
class Celery {
  readonly version: string;
  readonly #client: Child;
  readonly #worker: Child;
  readonly #python: Python;
  #seen = 0;

  static async start(redis: RedisServer, queues: string): Promise<Celery> {
    const env = { FUZZ_REDIS: `${redis.url}/0`, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" };
    const options = ["-l", "critical", "-c", "3", "-Q", queues, "--prefetch-multiplier", "8", "--without-gossip", "--without-mingle"];
    const worker = new Child([interpreter, "-m", "celery", "-A", "fuzz_tasks", "worker", ...options], env, folder);
    const client = new Child([interpreter, "fuzz_driver.py"], env, folder);
    await worker.printed(/fuzz worker ready/);
    const python = new Python(client);
    return new Celery(client, worker, python, await python.eval<string>("version()"));
  }

  private constructor(client: Child, worker: Child, python: Python, version: string) {
    this.#client = client;
    this.#worker = worker;
    this.#python = python;
    this.version = version;
  }

  async send(jobs: readonly Job[]): Promise<readonly (Handle | Error)[]> {
    const canvases = jobs.map(({ key, canvas }) => ({ key, canvas }));
    const handles = await this.#python.eval<(Handle | { error: string })[]>("send(given)", canvases);
    return handles.map((handle) => (typeof handle === "object" && "error" in handle ? new Error(handle.error) : handle));
  }

  async collect(into: Map<string, Record[]>): Promise<void> {
    const found = await this.#python.eval<Record[]>("records(given)", this.#seen);
    this.#seen += found.length;
    for (const record of found) listOf(into, keyOf(record)).push(record);
  }

  async load(ids: readonly string[]): Promise<readonly Stored[]> {
    const documents = await this.#python.eval<({ status: string; result: unknown } | null)[]>("load(given)", ids);
    return documents.map((document) => (document === null ? undefined : { state: document.status, result: document.result }));
  }

  waiting(): Promise<number> {
    return this.#python.eval<number>("waiting()");
  }

  async stop(): Promise<void> {
    await Promise.all([this.#client.stop(), this.#worker.stop()]);
  }
}

export async function celeryFleet(): Promise<Fleet> {
  const redis = await startRedis();
  const celery = await Celery.start(redis, "fuzz-ts,fuzz-py,celery");
  const records = new Map<string, Record[]>();
  return {
    name: `celery ${celery.version} alone`,
    celery: celery.version,
    sides: () => alone("py"),
    send: (jobs) => celery.send(jobs),
    records: async () => {
      await celery.collect(records);
      return records;
    },
    load: (ids) => celery.load(ids),
    waiting: () => celery.waiting(),
    close: async () => {
      await celery.stop();
      await redis.stop();
    },
  };
}

/** Canvases are sent by turns from TypeScript and from Python. */
export async function mixedFleet(): Promise<Fleet> {
  const redis = await startRedis();
  const celery = await Celery.start(redis, "fuzz-py,celery");
  const records = new Map<string, Record[]>();
  const write = (record: Record) => void listOf(records, keyOf(record)).push(record);
  const app = createApp({
    name: "fuzz",
    broker: `${redis.url}/0`,
    // A mapped task of either side may come from Python's default queue.
    tasks: [tasksOf("ts", write), mappedTasksOf("py", write)],
    routes: { "fuzz.ts.*": "fuzz-ts", "fuzz.py.*": "fuzz-py" },
    typedValues: false, // as Celery 5.2 wants it
    environment: false,
    folder: false,
  });
  const worker = await startWorker(app, { pool: "inline", concurrency: 20, queues: ["fuzz-ts", "celery"], logLevel: "silent" });
  await worker.ready;
  return {
    name: `lovage and celery ${celery.version} mixed`,
    celery: celery.version,
    sides: (index) => ({ sender: index % 2 === 0 ? "ts" : "py", of: (side) => side }),
    send: (jobs) => sendEach(jobs, (job) => send(app, job), celery),
    records: async () => {
      await celery.collect(records);
      return records;
    },
    load: (ids) => celery.load(ids),
    waiting: () => celery.waiting(),
    close: async () => {
      await worker.stop("cold");
      await app.close();
      await celery.stop();
      await redis.stop();
    },
  };
}

async function sendEach(
  jobs: readonly Job[],
  one: (job: Job) => Promise<Handle | Error>,
  celery: Celery,
): Promise<readonly (Handle | Error)[]> {
  const fromPython = jobs.filter(({ sides }) => sides.sender === "py");
  const handles = await celery.send(fromPython);
  return Promise.all(jobs.map((job) => (job.sides.sender === "py" ? (handles[fromPython.indexOf(job)] as Handle | Error) : one(job))));
}
