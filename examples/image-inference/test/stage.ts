/**
 * The application as its users run it, in a folder of its own: service and workers in processes of their own, settings in `.env`,
 * a client. All that was started is ended by its pid.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JobView } from "@lovage/http";
import { type App, createApp } from "lovage";
import { unzip } from "../../../packages/http/test/unzip.ts";
import { bareEnvironment } from "../../../packages/lovage/test/bad-input/cli.ts";
import { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { isAlive, waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { heldOutSeed } from "../src/network/fit.ts";
import { paintedFile } from "../src/pictures/file.ts";
import type { Kind } from "../src/pictures/paint.ts";

export const appModule = fileURLToPath(new URL("../dist/app.js", import.meta.url));

export interface Picture {
  readonly name: string;
  readonly file: Buffer;
}

export const picture = async (kind: Kind): Promise<Picture> => ({
  name: `${kind}.img`,
  file: await paintedFile(kind, heldOutSeed, 288, 192),
});

export class Stage {
  readonly folder: string;
  /** Looks into the store, and sends nothing. */
  readonly app: App;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #running: Running[] = [];
  url = "";

  /** @param redis undefined: an SQLite file in the folder */
  static async open(redis: string | undefined): Promise<Stage> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "image-inference-"));
    const broker = redis === undefined ? `LOVAGE_BROKER=sqlite:${path.join(folder, "lovage.db")}` : `REDIS_URL=${redis}/0`;
    await writeFile(path.join(folder, ".env"), `${broker}\nIMAGE_STORAGE=${path.join(folder, "jobs")}\nIMAGE_MAX_FILES=200\n`);
    return new Stage(folder, broker.slice(broker.indexOf("=") + 1));
  }

  private constructor(folder: string, broker: string) {
    this.folder = folder;
    this.#environment = bareEnvironment();
    this.app = createApp({ name: "onlooker", broker, environment: false, folder: false });
  }

  start(...args: string[]): Running {
    const running = new Running(args, this.folder, this.#environment);
    this.#running.push(running);
    return running;
  }

  async serve(): Promise<void> {
    const serving = this.start("serve", "-A", appModule, "--port", "0");
    this.url = (await serving.says(/^Job service listens on (http:\S+)$/m))[1] ?? "";
  }

  async worker(name: string, ...args: string[]): Promise<Running> {
    const worker = this.start("worker", "-A", appModule, "-n", `${name}@%h`, ...args);
    await worker.says(/ ready\.$/m);
    return worker;
  }

  gpuWorker = (): Promise<Running> => this.worker("gpu", "--profile", "gpu");

  async submit(...pictures: readonly Picture[]): Promise<string> {
    const form = new FormData();
    for (const { name, file } of pictures) form.append("file", new Blob([new Uint8Array(file)]), name);
    const response = await fetch(`${this.url}/upload`, { method: "POST", body: form });
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return ((await response.json()) as JobView).job_id;
  }

  async view(id: string): Promise<JobView> {
    return (await (await fetch(`${this.url}/status/${id}`)).json()) as JobView;
  }

  /** Cancels it; what the service answers. */
  async cancel(id: string): Promise<JobView> {
    return (await (await fetch(`${this.url}/cancel/${id}`, { method: "POST" })).json()) as JobView;
  }

  async when(what: string, id: string, ready: (view: JobView) => boolean): Promise<JobView> {
    let seen: JobView | undefined;
    const look = async () => {
      seen = await this.view(id);
      return ready(seen) ? seen : null;
    };
    return waitFor(what, look, 60_000).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(seen)}\n${this.said()}`);
    });
  }

  ended = (id: string): Promise<JobView> =>
    this.when("the end of the job", id, ({ status }) => status === "complete" || status === "error");

  /** The zip's files by name. */
  async download(id: string): Promise<ReadonlyMap<string, Buffer>> {
    const response = await fetch(`${this.url}/download/${id}`);
    if (!response.ok) throw new Error(`download: ${response.status} ${await response.text()}`);
    return unzip(Buffer.from(await response.arrayBuffer()));
  }

  /** How many runs of the task have ended so, such as "SUCCESS". */
  async counted(state: string): Promise<number> {
    return (await (await this.app.store()).counters())[`images.classify|${state}`] ?? 0;
  }

  async waiting(): Promise<number> {
    return (await (await this.app.store()).broker.queues.depth(["gpu_queue_0"]))[0] as number;
  }

  /** Pids. */
  async gpuRunners(): Promise<readonly (number | null)[]> {
    const { nodes } = await (await this.app.store()).leases.fleet();
    return nodes.filter(({ info }) => info.name.startsWith("gpu@")).flatMap(({ info }) => info.runners.map(({ pid }) => pid));
  }

  said(): string {
    return this.#running.map(({ stdout, stderr }) => (stdout + stderr).slice(-4000)).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((running) => (isAlive(running.pid) ? running.stop() : running.ended)));
    await this.app.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
