/** One child process that `lovage dev` keeps up: restarted when it dies by itself, with a growing pause, until told to stop. */
import { type ChildProcess, spawn } from "node:child_process";
import { Backoff } from "./restart-backoff.ts";

export interface DevProcessOptions {
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** A line that starts so means it is ready. */
  readonly isReady: (line: string) => boolean;
  readonly onLine: (name: string, line: string) => void;
  readonly onStarted: (name: string, pid: number) => void;
}

export class DevProcess {
  readonly ready: Promise<void>;
  readonly #options: DevProcessOptions;
  readonly #backoff = new Backoff();
  #child: ChildProcess | undefined;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: Error) => void = () => {};

  constructor(options: DevProcessOptions) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { name, args, environment, onStarted } = this.#options;
    const child = spawn(process.execPath, [...args], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) this.#readLines(stream);
    if (child.pid !== undefined) onStarted(name, child.pid);
    child.once("exit", (code) => this.#exited(code));
  }

  /** Ends it: politely, then after `graceMs` for good. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await exited;
    clearTimeout(kill);
  }

  #exited(code: number | null): void {
    if (this.#stopping) return;
    // Bad usage or configuration: another start would say the same.
    if (code === 64 || code === 78 || code === 69) {
      this.#rejectReady(new Error(`${this.#options.name} could not start (exit code ${code})`));
      return;
    }
    this.#restart = setTimeout(() => this.start(), this.#backoff.nextMs());
  }

  #readLines(stream: NodeJS.ReadableStream | null): void {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (this.#options.isReady(line)) this.#resolveReady();
        this.#options.onLine(this.#options.name, line);
      }
    });
  }
}
