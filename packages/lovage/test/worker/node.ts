/** Worker nodes for tests: each in a process of its own on a fresh SQLite file, stopped at the end, with all they log. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type App, createApp } from "lovage";
import type { WorkerOptions } from "lovage/worker";
import { isAlive, waitFor } from "./wait-for.ts";

const runWorker = fileURLToPath(new URL("./fixtures/run-worker.mjs", import.meta.url));
export const appModule = fileURLToPath(new URL("./fixtures/app.ts", import.meta.url));

export interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly [field: string]: unknown;
}

export class WorkerNode {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | string>;
  /** Everything on stderr that was not JSON: stacks of user code. */
  other = "";
  name = "";
  #pids: readonly number[] | undefined;

  constructor(options: Readonly<Record<string, unknown>>) {
    this.child = spawn(process.execPath, [runWorker, JSON.stringify(options)], { stdio: ["ignore", "inherit", "pipe", "ipc"] });
    this.exited = new Promise((resolve) => this.child.once("close", (code, signal) => resolve(code ?? signal ?? "?")));
    this.child.on("message", (message: { readonly ready?: string; readonly pids?: readonly number[] }) => {
      if (message.ready) this.name = message.ready;
      if (message.pids) this.#pids = message.pids;
    });
    this.#readLines();
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async ready(): Promise<this> {
    const gone = this.exited.then((code) => {
      throw new Error(`the node ended with ${code}: ${this.tail()}`);
    });
    gone.catch(() => {});
    await Promise.race([gone, waitFor("the node to be ready", () => this.name, 20_000)]);
    return this;
  }

  /** Of its runners' processes. */
  async pids(): Promise<readonly number[]> {
    this.#pids = undefined;
    this.child.send({ t: "pids" });
    return waitFor("pids", () => this.#pids);
  }

  logged(event: string): readonly LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  tail(): string {
    return (
      this.lines
        .slice(-15)
        .map((line) => JSON.stringify(line))
        .join("\n") + this.other.slice(-2000)
    );
  }

  async kill(): Promise<void> {
    if (isAlive(this.pid)) this.child.kill("SIGKILL");
    await this.exited;
  }

  #readLines(): void {
    let rest = "";
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("{")) this.lines.push(JSON.parse(line));
        else this.other += `${line}\n`;
      }
    });
  }
}

/** A place of its own for one test or one file: a folder, a store, an app that sends, and the nodes started on it. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "lovage-worker-"));
  readonly broker = `sqlite:${join(this.folder, "store.db")}`;
  readonly app: App = createApp({ name: "sender", broker: this.broker });
  readonly #nodes: WorkerNode[] = [];
  #files = 0;

  node(options: WorkerOptions & { readonly app?: string; readonly broker?: string } = {}): WorkerNode {
    const node = new WorkerNode({ app: appModule, broker: this.broker, ...options });
    this.#nodes.push(node);
    return node;
  }

  file(): string {
    this.#files += 1;
    return join(this.folder, `file-${this.#files}`);
  }

  lines(file: string): readonly string[] {
    try {
      return readFileSync(file, "utf8").split("\n").filter(Boolean);
    } catch {
      return [];
    }
  }

  async started(file: string, times = 1): Promise<void> {
    await waitFor("the task to start", () => this.lines(file).length >= times, 15_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#nodes.map((node) => node.tail()).join("\n")}`);
    });
  }

  async depth(queue = "celery"): Promise<number> {
    const store = await this.app.store();
    return (await store.broker.queues.depth([queue]))[0] ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
    await this.app.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
