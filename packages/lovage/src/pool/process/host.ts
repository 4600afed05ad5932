/** Host of the pools whose runner is a child process: `async`, `processes`, `solo`. */

import type { RunnerSpec, ToRunner } from "../protocol.ts";
import type { HostEvents, Runner, RunnerExit, RunnerHost } from "../runner-host.ts";
import { RunnerProcess } from "../runner-process.ts";

/**
 * A runner of many slots makes much garbage that dies young: with room for it (MiB, 16 by default) less of it is copied.
 * Measured by `npm run bench`, async drain: 27 → 23 µs of CPU per task.
 */
const manySlotsFlags = ["--max-semi-space-size=32"];

export interface ProcessHostOptions {
  /** URL of the module whose `start` runs a runner. */
  readonly entry: string;
  /** Environment of the n-th runner (0, 1, …; a replacement gets the number that became free): pins GPUs. */
  readonly env?: (ordinal: number) => Readonly<Record<string, string>>;
}

export class ProcessHost implements RunnerHost {
  readonly canKill = true;
  readonly #options: ProcessHostOptions;
  readonly #ordinals = new Set<number>();
  readonly #processes = new Set<RunnerProcess>();

  constructor(options: ProcessHostOptions) {
    this.#options = options;
  }

  async spawn(spec: RunnerSpec, events: HostEvents): Promise<Runner> {
    const ordinal = this.#takeOrdinal();
    try {
      const child = await RunnerProcess.start({
        entry: this.#options.entry,
        mode: "main",
        env: this.#options.env?.(ordinal) ?? {},
        nodeFlags: spec.slots > 1 ? manySlotsFlags : [],
        onChild: (message) => {
          if (message.c === "from") events.onMessage(message.message);
        },
        onWatchdog: (message) => events.onWatchdog(message),
      });
      this.#processes.add(child);
      child.tell({ c: "start", spec });
      return new ProcessRunner(spec, child, () => {
        this.#ordinals.delete(ordinal);
        this.#processes.delete(child);
      });
    } catch (error) {
      this.#ordinals.delete(ordinal);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((child) => child.kill()));
  }

  #takeOrdinal(): number {
    let ordinal = 0;
    while (this.#ordinals.has(ordinal)) ordinal++;
    this.#ordinals.add(ordinal);
    return ordinal;
  }
}

class ProcessRunner implements Runner {
  readonly epoch: string;
  readonly pid: number;
  readonly exited: Promise<RunnerExit>;
  readonly #child: RunnerProcess;
  readonly #isAlone: boolean;

  constructor(spec: RunnerSpec, child: RunnerProcess, onExit: () => void) {
    this.#isAlone = spec.slots === 1;
    this.epoch = spec.epoch;
    this.pid = child.pid;
    this.#child = child;
    this.exited = child.exited.then((exit) => {
      onExit();
      return { epoch: this.epoch, ...exit, asNeighbour: false };
    });
  }

  send(message: ToRunner): void {
    this.#child.tell({ c: "to", message });
  }

  cancel(number: number, signal?: string): void {
    this.#child.tellWatchdog({ t: "cancel", epoch: this.epoch, number, ...(signal !== undefined && { signal }) });
  }

  wantEvents(wanted: boolean): void {
    this.#child.tellWatchdog({ t: "events", wanted });
  }

  signal(name: NodeJS.Signals): boolean {
    if (!this.#isAlone) return false;
    this.#child.signal(name);
    return true;
  }

  async slots(deadlineMs: number) {
    const answer = await this.#child.slots(deadlineMs);
    const own = answer.runners.find((runner) => runner.epoch === this.epoch);
    return own ?? { epoch: this.epoch, tasksDone: 0, loopLagMs: 0, askingMs: 0, taken: [] };
  }

  async kill(): Promise<void> {
    await this.#child.kill();
  }
}
