/** A Redis of one's own with Python and TypeScript on it: clients, workers and command lines of both, as users start them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type App, createApp } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { routes } from "../lovage/app.ts";
import { Child } from "./child.ts";
import { Python } from "./python.ts";

/** Debian's Celery (5.2) belongs to this interpreter, unless `CELERY_PYTHON` names that of another. */
const python = process.env.CELERY_PYTHON ?? "/usr/bin/python3";
/** One interpreter for each Celery at hand. */
export const pythons = [...new Set(["/usr/bin/python3", python])];
const pythonFolder = fileURLToPath(new URL("../python/", import.meta.url));
const appModule = fileURLToPath(new URL("../lovage/app.ts", import.meta.url));
const lovage = fileURLToPath(new URL("bin/lovage.js", import.meta.resolve("lovage/package.json")));

/** As `scripts/services.mjs` decides; where CI is true the whole run has failed before. */
export const skipped = process.env.LOVAGE_SKIP_REDIS !== undefined || process.env.LOVAGE_SKIP_CELERY !== undefined;

/** Whether that Celery has words for dates, decimals and bytes: since 5.3. */
export const typedValues =
  process.env.CELERY_PYTHON !== undefined &&
  spawnSync(python, ["-c", "import celery; print(celery.VERSION >= (5, 3))"], { encoding: "utf8" }).stdout.startsWith("True");

export interface Printed {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export class Site {
  readonly redis: RedisServer;
  /** Of broker and results. */
  readonly url: string;
  /** A TypeScript client that imports none of the tasks and writes for the Celery at hand. */
  readonly app: App;
  /** Of files that tests and tasks share. */
  readonly folder = mkdtempSync(join(tmpdir(), "lovage-interop-"));
  readonly #children: Child[] = [];

  /** `database`: fanout channels have its number in their names, result channels do not (celery-wire.md §1.5). */
  static async open(database = 0): Promise<Site> {
    return new Site(await startRedis(), database);
  }

  private constructor(redis: RedisServer, database: number) {
    this.redis = redis;
    this.url = `${redis.url}/${database}`;
    this.app = createApp({ name: "client", broker: this.url, routes, typedValues, environment: false, folder: false });
  }

  async python(): Promise<Python> {
    return new Python(this.#start([python, "driver.py"]));
  }

  /** `celery -A tasks worker …`, when it has said that it is ready. */
  celeryWorker(name: string, ...flags: readonly string[]): Promise<Child> {
    return this.celeryWorkerOf(python, name, ...flags);
  }

  /** One of another Celery than the site's own. */
  celeryWorkerOf(interpreter: string, name: string, ...flags: readonly string[]): Promise<Child> {
    const command = [interpreter, "-m", "celery", "-A", "tasks", "worker", "-n", `${name}@interop`, "-l", "info", ...flags];
    return this.#start(command).printed(/@interop ready\./);
  }

  /** `lovage worker -A app.ts …`, when it has said that it is ready. */
  lovageWorker(name: string, ...flags: readonly string[]): Promise<Child> {
    const node = name.includes("@") ? name : `${name}@interop`;
    const command = [process.execPath, lovage, "worker", "-A", appModule, "-n", node, ...flags];
    return this.#start(command).printed(/@\S+ ready\./);
  }

  /** `celery events --dump`, when it has begun to listen. */
  celeryEvents(): Promise<Child> {
    return this.#start([python, "-m", "celery", "-b", this.url, "events", "--dump"]).printed(/starting capture/);
  }

  /** A worker of each side on the queue of its own tasks, and a Python client. */
  async bothWorkers(): Promise<Python> {
    const workers = [this.lovageWorker("ts", "-Q", "ts", "-P", "async"), this.celeryWorker("py", "-Q", "py", "-c", "2")];
    const [client] = await Promise.all([this.python(), ...workers]);
    return client;
  }

  /** Of a command line that ends by itself. Without an app, as people use it against a broker they know by URL. */
  celery(...args: readonly string[]): Promise<Printed> {
    return this.#run([python, "-m", "celery", "-b", this.url, ...args]);
  }

  lovage(...args: readonly string[]): Promise<Printed> {
    return this.#run([process.execPath, lovage, ...args]);
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
    await this.app.close();
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #run(command: readonly string[]): Promise<Printed> {
    const child = this.#start(command);
    const code = await child.ended;
    return { code, stdout: child.stdout, stderr: child.stderr };
  }

  #start(command: readonly string[]): Child {
    const env = {
      INTEROP_REDIS: this.url,
      REDIS_URL: this.url,
      LOVAGE_TYPED_VALUES: String(typedValues),
      PYTHONDONTWRITEBYTECODE: "1",
      PYTHONUNBUFFERED: "1",
    };
    const child = new Child(command, env, pythonFolder);
    this.#children.push(child);
    return child;
  }
}
