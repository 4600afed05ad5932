/**
 * The example as its users run it, in a folder of its own: commands in processes of their own, photos with known counts, a client.
 * All that was started is ended by its pid.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { JobFiles, type JobView } from "@lovage/http";
import { type App, createApp } from "lovage";
import { bareEnvironment } from "../../../packages/lovage/test/bad-input/cli.ts";
import { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { isAlive } from "../../../packages/lovage/test/worker/wait-for.ts";
import { makeScene } from "../src/scenes/scene.ts";
import { StockLedger, type StockMovement } from "../src/stock.ts";

export const appModule = fileURLToPath(new URL("../dist/app.js", import.meta.url));

export interface Photo {
  readonly name: string;
  readonly file: Buffer;
  /** How many objects there are to count. */
  readonly truth: number;
}

export interface NodeStatus {
  readonly name: string;
  readonly pid: number;
  readonly runners: readonly number[];
  readonly answers: boolean;
}

export type Terminals = Readonly<Record<"gpu" | "cpu" | "io", Running>>;

export interface Report {
  readonly photo: string;
  readonly width: number;
  readonly height: number;
  readonly total: number;
  readonly objects: readonly { readonly box: readonly number[]; readonly score: number }[];
}

/** Small, so that a test is about the pipeline and not about counting. */
export async function photo(seed: number, maxPixels = 5e5): Promise<Photo> {
  const { recipe, truth, file } = await makeScene(seed, { maxPixels });
  return { name: `scene-${seed}.${recipe.file === "jpeg" ? "jpg" : "png"}`, file, truth };
}

export class Stage {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Looks into the store, and sends nothing. */
  readonly app: App;
  readonly #running: Running[] = [];
  url = "";

  /** `broker` undefined: an SQLite file in the folder. */
  static async open(broker?: string): Promise<Stage> {
    return new Stage(await mkdtemp(path.join(os.tmpdir(), "photo-stock-")), broker);
  }

  private constructor(folder: string, broker: string | undefined) {
    this.folder = folder;
    const url = broker ?? `sqlite:${path.join(folder, "lovage.db")}`;
    const storage = { PHOTO_STOCK_STORAGE: path.join(folder, "jobs") };
    this.environment = { ...bareEnvironment(), ...storage, ...(broker === undefined ? { LOVAGE_BROKER: url } : { REDIS_URL: url }) };
    this.app = createApp({ name: "onlooker", broker: url, environment: false, folder: false });
  }

  start(...args: string[]): Running {
    const running = new Running(args, this.folder, this.environment);
    this.#running.push(running);
    return running;
  }

  /** All in one command, as `npm run dev` does. */
  async dev(): Promise<Running> {
    const dev = this.start("dev", "-A", appModule, "--port", "0");
    this.url = (await dev.says(/curl -F file=@FILE (http:\S+)\/upload/))[1] ?? "";
    return dev;
  }

  /** A terminal for each. */
  async terminals(module = appModule): Promise<Terminals> {
    const worker = async (...args: string[]) => {
      const running = this.start("worker", "-A", module, ...args);
      await running.says(/ ready\.$/m);
      return running;
    };
    const serving = this.start("serve", "-A", module, "--port", "0").says(/^Job service listens on (http:\S+)$/m);
    const [gpu, cpu, io] = await Promise.all([
      worker("-Q", "gpu_queue_0", "-P", "solo", "-n", "gpu@%h"),
      worker("-Q", "cpu", "-P", "processes", "-c", "2", "-n", "cpu@%h"),
      worker("-Q", "io,celery", "-P", "async", "-n", "io@%h"),
    ]);
    this.url = (await serving)[1] ?? "";
    return { gpu, cpu, io };
  }

  async nodes(): Promise<readonly NodeStatus[]> {
    const { stdout } = await this.start("status", "--json", "-A", appModule, "-t", "0.5").ended;
    return (JSON.parse(stdout) as { readonly nodes: readonly NodeStatus[] }).nodes;
  }

  async upload({ name, file }: Pick<Photo, "name" | "file">): Promise<Response> {
    const form = new FormData();
    form.append("file", new Blob([new Uint8Array(file)]), name);
    return fetch(`${this.url}/upload`, { method: "POST", body: form });
  }

  async submit(what: Pick<Photo, "name" | "file">): Promise<string> {
    const response = await this.upload(what);
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return ((await response.json()) as JobView).job_id;
  }

  async view(id: string): Promise<JobView> {
    return (await (await fetch(`${this.url}/status/${id}`)).json()) as JobView;
  }

  async ended(id: string, withinMs = 60_000): Promise<JobView> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const view = await this.view(id);
      if (view.status === "complete" || view.status === "error") return view;
      if (performance.now() > deadline) throw new Error(`after ${withinMs} ms still ${JSON.stringify(view)}\n${this.said()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async report(id: string): Promise<Report> {
    return JSON.parse(await this.output(id, "report.json")) as Report;
  }

  async output(id: string, name: string): Promise<string> {
    return text(await this.jobFiles(id).openOutput(name));
  }

  jobFiles(id: string): JobFiles {
    return new JobFiles(path.join(this.folder, "jobs"), id);
  }

  /** All that is stored of the job, without the prefixes of job and run. */
  async stored(id: string): Promise<readonly string[]> {
    const files = this.jobFiles(id);
    const run = (await files.manifest())?.run ?? "";
    const keys: string[] = [];
    for await (const { key } of files.storage.list(id)) keys.push(key.slice(id.length + 1).replace(`outputs/${run}/`, "outputs/"));
    return keys.sort();
  }

  movements(): readonly StockMovement[] {
    const ledger = new StockLedger(path.join(this.folder, "stock.db"));
    try {
      return ledger.movements();
    } finally {
      ledger.close();
    }
  }

  /** How often tasks have ended so: `photos.count|SUCCESS` → 3. */
  async counted(): Promise<Readonly<Record<string, number>>> {
    const counters = await (await this.app.store()).counters();
    return Object.fromEntries(Object.entries(counters).filter(([key]) => !key.includes("|le:")));
  }

  async write(name: string, bytes: Uint8Array): Promise<string> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
    return file;
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

/** The bound of the project: ten percent, of the truth. */
export const isClose = (counted: number, truth: number): boolean => Math.abs(counted - truth) <= 0.1 * truth;
