/**
 * A worker node as a user starts one, `lovage worker …`, that a test can hurt: its runners, its supervisor, or both are killed or
 * frozen by name, and every fault is written down with its time and its victims. It never outlives the process that started it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../kernel/errors.ts";
import { endGuard, startGuard } from "../guard.ts";
import { type Chance, pick } from "./chance.ts";
import { childrenOf, sharedNowMs, signal } from "./processes.ts";

/** `runner`: one of them, by chance. `node`: the supervisor and all its runners at once, as when a machine stops. */
export const workerParts = ["runner", "supervisor", "node"] as const;
export type WorkerPart = (typeof workerParts)[number];

export interface WorkerFault {
  readonly kind: "killed" | "frozen";
  readonly part: WorkerPart;
  /** Who got the signal. A killed supervisor's runners end too: they are known by their parent. */
  readonly pids: readonly number[];
  /** Milliseconds on the clock of `sharedNowMs`. */
  readonly atMs: number;
  /** Until it was thawed; undefined: never. */
  untilMs?: number;
}

export interface WorkerProcessOptions {
  /** As on the command line: `["-A", "app.ts", "-P", "async"]`. */
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program of the package that this module belongs to, whether built or not. */
const program = fileURLToPath(new URL("../../../bin/lovage.js", import.meta.url));
const readyWithinMs = 60_000;
/** Of the end of the output, for people. */
const keptOutput = 20_000;

export class WorkerProcess {
  /** In their order, over all lives of this worker. */
  readonly faults: WorkerFault[] = [];
  readonly #options: WorkerProcessOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #guard: ChildProcess | undefined;
  #output = "";
  #ready = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
  }

  /** Of the supervisor. 0: it is not there. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get runnerPids(): readonly number[] {
    return this.pid === 0 ? [] : childrenOf(this.pid);
  }

  /** It has said so, and was not killed since. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The end of all that it has printed. */
  get output(): string {
    return this.#output;
  }

  /**
   * Resolves when it is ready. @throws {ConfigError} with what it printed when it ends instead, or is not ready in a minute; when it
   * is there already: one that was killed is there until `gone()`.
   */
  async start(): Promise<this> {
    if (this.#child !== undefined)
      throw new ConfigError("LOVAGE_WORKER_STARTED", `The worker is there, pid ${this.pid}. Await gone() or stop() before start().`);
    const { args, cwd, env } = this.#options;
    const child = spawn(process.execPath, [program, "worker", ...args], {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // What is sent to our group must not end it before its guard looks for its runners.
      detached: true,
    });
    this.#child = child;
    // Frozen runners do not notice that their supervisor is gone.
    this.#guard = startGuard(`kill -9 $(cat /proc/${child.pid}/task/${child.pid}/children) ${child.pid}`);
    this.#ended = once(child, "close");
    const deadline = performance.now() + readyWithinMs;
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        if (!this.#ready) said += text;
        this.#output = (this.#output + text).slice(-keptOutput);
      });
    while (!/ ready\.\s/.test(said)) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline)
        throw new ConfigError("LOVAGE_WORKER_NOT_READY", `The worker did not become ready. It said:\n${this.#output}`);
      await sleep(10);
    }
    this.#ready = true;
    return this;
  }

  /** SIGKILL. After the supervisor's, or the node's, call `start()` when it is to come back. undefined: there was no victim. */
  kill(part: WorkerPart, chance: Chance = Math.random): WorkerFault | undefined {
    const fault = this.#fault("killed", part, chance, "SIGKILL");
    if (fault !== undefined && part !== "runner") this.#ready = false;
    return fault;
  }

  /** SIGSTOP: it does nothing, and its connections stay open. */
  freeze(part: WorkerPart, chance: Chance = Math.random): WorkerFault | undefined {
    return this.#fault("frozen", part, chance, "SIGSTOP");
  }

  /** SIGCONT, in the order in which they were stopped. */
  thaw(fault: WorkerFault): void {
    fault.untilMs = sharedNowMs();
    for (const pid of fault.pids) signal(pid, "SIGCONT");
  }

  /** Resolves when the supervisor is gone and its output was read to the end. */
  async gone(): Promise<void> {
    await this.#ended;
    await endGuard(this.#guard);
    this.#child = undefined;
    this.#ready = false;
  }

  /** SIGTERM, a warm stop; SIGKILL after `graceMs`. @returns the exit code, or the signal's name. Twice: fine. */
  async stop(graceMs = 10_000): Promise<number | string | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    for (const fault of this.faults) if (fault.kind === "frozen" && fault.untilMs === undefined) this.thaw(fault);
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await this.gone();
    clearTimeout(timer);
    return child.exitCode ?? child.signalCode ?? undefined;
  }

  #fault(kind: WorkerFault["kind"], part: WorkerPart, chance: Chance, name: "SIGKILL" | "SIGSTOP"): WorkerFault | undefined {
    const runners = this.runnerPids;
    const one = pick(chance, runners);
    const victims = part === "runner" ? (one === undefined ? [] : [one]) : part === "supervisor" ? [this.pid] : [this.pid, ...runners];
    const atMs = sharedNowMs();
    const pids = victims.filter((pid) => pid !== 0 && signal(pid, name));
    if (pids.length === 0) return undefined;
    const fault: WorkerFault = { kind, part, pids, atMs };
    this.faults.push(fault);
    return fault;
  }
}
