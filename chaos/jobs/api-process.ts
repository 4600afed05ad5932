/** A job service as a user starts one, `lovage serve`, that is killed and comes back on its port. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const program = join(dirname(createRequire(import.meta.url).resolve("lovage/package.json")), "bin/lovage.js");

export class ApiProcess {
  readonly url: string;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(app: string, port: number, env: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#args = [program, "serve", "-A", app, "--port", String(port)];
    this.#env = env;
  }

  get output(): string {
    return this.#output;
  }

  /** As an init system does: again, until it answers. */
  async start(): Promise<void> {
    for (let left = 30; ; left -= 1) {
      const child = spawn(process.execPath, this.#args, { env: { ...process.env, ...this.#env }, stdio: ["ignore", "pipe", "pipe"] });
      this.#child = child;
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding("utf8").on("data", (text: string) => {
          this.#output = (this.#output + text).slice(-8000);
        });
      while (child.exitCode === null && child.signalCode === null) {
        if (
          await fetch(`${this.url}/health`).then(
            ({ ok }) => ok,
            () => false,
          )
        )
          return;
        await sleep(50);
      }
      if (left === 0) throw new Error(`The job service does not start. It said:\n${this.#output}`);
    }
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
}
