/** The service under attack, as its tests see it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const appModule = fileURLToPath(new URL("../fixtures/hostile-app.mjs", import.meta.url));
const program = fileURLToPath(new URL("./service-process.mjs", import.meta.url));

export class HostileService {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  static async start(): Promise<HostileService> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "lovage-hostile-"));
    const env = { ...process.env, HTTP_TEST_STORAGE: path.join(folder, "jobs"), LOVAGE_BROKER: `sqlite:${path.join(folder, "lovage.db")}` };
    const child = fork(program, [appModule], { env, execArgv: ["--expose-gc"], stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const ended = once(child, "exit").then(() => {
      throw new Error("the service ended before it listened");
    });
    const [{ url }] = (await Promise.race([once(child, "message"), ended])) as [{ url: string }];
    ended.catch(() => undefined);
    return new HostileService(child, folder, Number(new URL(url).port));
  }

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** After a collection. */
  async memory(): Promise<NodeJS.MemoryUsage> {
    const answered = once(this.#child, "message");
    this.#child.send("memory");
    return ((await answered) as [{ memory: NodeJS.MemoryUsage }])[0].memory;
  }

  /** Every file in the storage, by key, whole or not. */
  async stored(): Promise<readonly string[]> {
    const root = path.join(this.#folder, "jobs");
    const look = () => readdir(root, { recursive: true, withFileTypes: true });
    let entries = await look().catch(() => undefined);
    // A folder may go while it is read.
    for (let tries = 0; !entries && tries < 20; tries++) entries = await look().catch(() => undefined);
    return (entries ?? (await look()))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
      .sort();
  }

  async close(): Promise<void> {
    if (this.alive) {
      const ended = once(this.#child, "exit");
      this.#child.send("stop");
      // It may wait 10 s for requests under way, and cuts them then.
      const kill = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(kill);
    }
    await rm(this.#folder, { recursive: true, force: true });
    if (this.#child.signalCode !== null) throw new Error("the service did not end when it was told to");
  }
}
