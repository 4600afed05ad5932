/**
 * One child process that `lovage dev` keeps up: started again when it dies by itself, with a growing pause, until told to stop.
 * It leads a process group, so that a Ctrl-C of the terminal reaches it once, through us; and it ends when its input does, so
 * that nothing is left when we are killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { aborted } from "../stop-signals.ts";
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

/** Usage, store, configuration: at the first start another try would say the same. */
const hopeless = [64, 69, 78];
/** After a cold stop was asked for: a node takes about 2 s for it, with a store that is away 6 s. */
const coldMs = 7000;

export class DevProcess {
  readonly ready: Promise<void>;
  readonly #options: DevProcessOptions;
  readonly #backoff = new Backoff();
  #child: ChildProcess | undefined;
  #wasReady = false;
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
    const child = spawn(process.execPath, [...args], { env: environment, stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#child = child;
    child.stdin?.on("error", () => {}); // nothing is ever written; its other end may be gone
    for (const stream of [child.stdout, child.stderr]) this.#readLines(stream);
    if (child.pid !== undefined) onStarted(name, child.pid);
    child.once("error", (error) => this.#rejectReady(error));
    child.once("exit", (code, signal) => this.#exited(code, signal));
  }

  /** Warm; cold after `graceMs` or when `hurry` aborts; then for good. */
  async stop(graceMs: number, hurry: AbortSignal = new AbortController().signal): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    if (await isFirst(exited, graceMs, hurry)) return;
    child.kill("SIGQUIT");
    if (await isFirst(exited, coldMs)) return;
    child.kill("SIGKILL");
    await exited;
  }

  #exited(code: number | null, signal: string | null): void {
    if (this.#stopping) return;
    const { name, onLine } = this.#options;
    const how = code === null ? `signal ${signal}` : `exit code ${code}`;
    if (!this.#wasReady && code !== null && hopeless.includes(code)) {
      this.#rejectReady(new Error(`The node "${name}" could not start (${how}); its own lines say why.`));
      return;
    }
    const waitMs = this.#backoff.nextMs();
    onLine(name, `ended with ${how}; starts again${waitMs > 0 ? ` in ${waitMs} ms` : ""}`);
    this.#restart = setTimeout(() => this.start(), waitMs);
  }

  #readLines(stream: NodeJS.ReadableStream | null): void {
    let rest = "";
    const take = (line: string) => {
      if (this.#options.isReady(line)) {
        this.#wasReady = true;
        this.#resolveReady();
      }
      this.#options.onLine(this.#options.name, line);
    };
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    });
    stream?.on("end", () => {
      if (rest !== "") take(rest);
    });
  }
}

/** Whether `work` is done before `ms` are over and `hurry` aborts. */
async function isFirst(work: Promise<void>, ms: number, hurry?: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const hurried = hurry === undefined ? [] : [aborted(hurry).then(() => false)];
  try {
    return await Promise.race([work.then(() => true), late, ...hurried]);
  } finally {
    clearTimeout(timer);
  }
}
