/**
 * The supervisor's end of one runner process: starts it at the head of a process group of its own, carries messages, asks its
 * watchdog, kills the whole group. Knows nothing of which runners live inside.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { LovageError } from "../kernel/errors.ts";
import { type FromChild, type HostingMode, type ToChild, watchdogFd } from "./child-protocol.ts";
import { type HeapReport, heapReport } from "./heap-report.ts";
import { readLines } from "./json-lines.ts";
import type { FromWatchdog, ToWatchdog } from "./protocol.ts";
import { siblingModule } from "./sibling-module.ts";

export interface RunnerProcessOptions {
  /** URL of the module whose `start` runs a runner. */
  readonly entry: string;
  readonly mode: HostingMode;
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Added to the flags of Node that this process was started with. */
  readonly nodeFlags?: readonly string[];
  readonly onChild: (message: FromChild) => void;
  readonly onWatchdog: (message: Finding) => void;
}

export type SlotsAnswer = Extract<FromWatchdog, { readonly t: "slots" }>;
export type Finding = Exclude<FromWatchdog, SlotsAnswer>;
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its JavaScript heap was full. */
  readonly heapFull: boolean;
}

export class RunnerProcess {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;
  readonly #asked = new Map<number, (answer: SlotsAnswer) => void>();
  #lastAsked = 0;
  #gone = false;

  /** @throws {LovageError} LOVAGE_RUNNER_SPAWN when the system cannot start another process. */
  static async start(options: RunnerProcessOptions): Promise<RunnerProcess> {
    const report = heapReport();
    const child = spawn(
      process.execPath,
      [
        ...inheritedFlags(),
        ...report.flags,
        ...(options.nodeFlags ?? []),
        fileURLToPath(siblingModule(import.meta.url, "./child")),
        options.entry,
        options.mode,
      ],
      { stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"], detached: true, env: { ...process.env, ...options.env } },
    );
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(new LovageError("LOVAGE_RUNNER_SPAWN", `Cannot start a runner process: ${cause.message}.`, { cause })),
      );
    });
    return new RunnerProcess(child, options, report);
  }

  private constructor(child: ChildProcess, options: RunnerProcessOptions, report: HeapReport) {
    this.#child = child;
    this.pid = child.pid as number;
    this.#pipe = child.stdio[watchdogFd] as Duplex;
    child.on("message", (message) => options.onChild(message as FromChild));
    // A channel that breaks is followed by `exit`; what could not be sent was for a process that is gone.
    child.on("error", () => {});
    this.#pipe.on("error", () => {});
    readLines(this.#pipe, (value) => {
      const message = value as FromWatchdog;
      if (message.t === "slots") this.#answered(message);
      else options.onWatchdog(message);
    });
    // "close" comes after the last message and line were read; "exit" may come before them.
    this.exited = new Promise((resolve) => {
      child.once("exit", () => {
        this.#gone = true;
        this.#killGroup();
        this.#pipe.destroy();
      });
      child.once("close", (code, signal) => resolve({ code, signal, heapFull: report.take() }));
    });
  }

  tell(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  tellWatchdog(message: ToWatchdog): void {
    if (!this.#gone) this.#pipe.write(`${JSON.stringify(message)}\n`);
  }

  /** Answered by the watchdog thread. @throws {LovageError} LOVAGE_RUNNER_SILENT after `deadlineMs`. */
  slots(deadlineMs: number): Promise<SlotsAnswer> {
    const asked = ++this.#lastAsked;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(asked);
        reject(
          new LovageError("LOVAGE_RUNNER_SILENT", `The watchdog of runner process ${this.pid} did not answer within ${deadlineMs} ms.`),
        );
      }, deadlineMs);
      this.#asked.set(asked, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.tellWatchdog({ t: "slots?", asked });
    });
  }

  /** To the process alone, as Celery does: what it started may be in the middle of something. */
  signal(name: NodeJS.Signals): void {
    if (!this.#gone) this.#child.kill(name);
  }

  /** SIGKILL to the whole group, children of user code included. */
  async kill(): Promise<void> {
    if (!this.#gone) this.#killGroup();
    await this.exited;
  }

  #answered(message: SlotsAnswer): void {
    this.#asked.get(message.asked)?.(message);
    this.#asked.delete(message.asked);
  }

  /** Also after the leader's own death: what it started must not outlive it. */
  #killGroup(): void {
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // ESRCH: nobody is left.
    }
  }
}

/** Flags of this Node that a runner wants too (`--import`, `--max-old-space-size`), not those about this very process. */
function inheritedFlags(): readonly string[] {
  const own = /^(--inspect|--eval|-e$|--print|-p$|-pe$|--watch|--test|--input-type|--check|-c$|-i$|--interactive)/;
  const flags: string[] = [];
  for (let i = 0; i < process.execArgv.length; i++) {
    const flag = process.execArgv[i] as string;
    if (!own.test(flag)) flags.push(flag);
    else if (/^(-e|--eval|-p|--print|-pe)$/.test(flag)) i++;
  }
  return flags;
}
