/** A program beside the tests, in a process group of its own that never outlives this process, with all that it prints. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { waitFor } from "./wait-for.ts";

export class Child {
  readonly process: ChildProcess;
  /** Resolves with the exit code, or the signal's name, when all output was read. */
  readonly ended: Promise<number | string>;
  stdout = "";
  stderr = "";
  readonly #guard: ChildProcess;
  #stopped: Promise<number | string> | undefined;

  constructor([file = "", ...args]: readonly string[], env: Readonly<Record<string, string>>, cwd: string) {
    this.process = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.ended = once(this.process, "close").then(([code, signal]) => code ?? signal);
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#guard = startGuard(this.process.pid ?? 0);
  }

  get output(): string {
    return `${this.stdout}\n${this.stderr}`;
  }

  /** Waits until it has printed this. @throws what it printed instead, when it ends or says nothing for 30 s. */
  async printed(pattern: RegExp): Promise<this> {
    const gone = this.ended.then((code) => {
      throw new Error(`ended with ${code}:\n${this.output}`);
    });
    gone.catch(() => {});
    await Promise.race([gone, waitFor(`${pattern}`, () => pattern.test(this.output), 30_000)]).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output.slice(-4000)}`);
    });
    return this;
  }

  /** Asked to stop, then made to, with all that it started. Twice: fine. */
  stop(graceMs = 5000): Promise<number | string> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<number | string> {
    this.process.stdin?.end();
    this.process.kill("SIGTERM");
    const kill = setTimeout(() => this.#killGroup(), graceMs);
    const code = await this.ended;
    clearTimeout(kill);
    this.#killGroup();
    const guardEnded = once(this.#guard, "exit");
    this.#guard.kill("SIGKILL"); // before it takes the end of its input for the end of this process
    await guardEnded;
    return code;
  }

  #killGroup(): void {
    try {
      process.kill(-(this.process.pid ?? 0), "SIGKILL");
    } catch {
      // it is gone
    }
  }
}

/** Waits for the end of an input that only this process can write to, so it acts however this process goes. */
function startGuard(group: number): ChildProcess {
  return spawn("/bin/sh", ["-c", `read -r _; kill -9 -${group} 2>/dev/null`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
}
