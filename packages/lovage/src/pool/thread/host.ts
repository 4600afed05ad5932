/**
 * Host of the `threads` pool: all runners are threads of one child process with one watchdog. A thread that does not end
 * within 2 s of being told (native code cannot be interrupted), or whose code has started processes that would outlive it,
 * takes the process with it, and its neighbours are reported as such. The next runner gets a new process.
 */

import type { FromChild } from "../child-protocol.ts";
import type { RunnerSpec, ToRunner } from "../protocol.ts";
import type { HostEvents, Runner, RunnerExit, RunnerHost } from "../runner-host.ts";
import { type Finding, RunnerProcess } from "../runner-process.ts";

export interface ThreadHostOptions {
  /** URL of the module whose `start` runs a runner. */
  readonly entry: string;
  /** Of the one process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Milliseconds a thread may take to end. */
const terminateWithinMs = 2000;

export class ThreadHost implements RunnerHost {
  readonly canKill = true;
  readonly #options: ThreadHostOptions;
  #house: Promise<ThreadHouse> | undefined;
  readonly #houses = new Set<ThreadHouse>();

  constructor(options: ThreadHostOptions) {
    this.#options = options;
  }

  async spawn(spec: RunnerSpec, events: HostEvents): Promise<Runner> {
    if (spec.alone === true) return this.#spawnAlone(spec, events);
    this.#house ??= this.#open();
    return (await this.#house).spawn(spec, events);
  }

  /** In a process that ends with it. */
  async #spawnAlone(spec: RunnerSpec, events: HostEvents): Promise<Runner> {
    const house = await ThreadHouse.open(this.#options);
    this.#houses.add(house);
    void house.closed.then(() => this.#houses.delete(house));
    const runner = house.spawn(spec, events);
    void runner.exited.then(() => house.kill(spec.epoch));
    return runner;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#houses].map((house) => house.kill(undefined)));
  }

  async #open(): Promise<ThreadHouse> {
    try {
      const house = await ThreadHouse.open(this.#options);
      this.#houses.add(house);
      house.onClosing = () => {
        this.#house = undefined;
      };
      void house.closed.then(() => this.#houses.delete(house));
      return house;
    } catch (error) {
      this.#house = undefined;
      throw error;
    }
  }
}

/** One process and the threads in it. */
class ThreadHouse {
  readonly #process: RunnerProcess;
  readonly #threads = new Map<string, ThreadRunner>();
  readonly closed: Promise<void>;
  /** From now on no new runner may move in. */
  onClosing: () => void = () => {};
  /** The thread for whose sake the process is killed: the others are neighbours. */
  #culprit: string | undefined;
  #killed = false;

  static async open(options: ThreadHostOptions): Promise<ThreadHouse> {
    // The process may speak before this function has its house.
    let house: ThreadHouse | undefined;
    const child = await RunnerProcess.start({
      entry: options.entry,
      mode: "threads",
      env: options.env ?? {},
      onChild: (message) => house?.receive(message),
      onWatchdog: (message) => house?.finding(message),
    });
    house = new ThreadHouse(child);
    return house;
  }

  private constructor(child: RunnerProcess) {
    this.#process = child;
    this.closed = child.exited.then((exit) => {
      this.onClosing();
      const inCompany = !this.#killed && this.#threads.size > 1;
      for (const { epoch, gone } of this.#threads.values())
        gone({ epoch, ...exit, asNeighbour: this.#killed && epoch !== this.#culprit, inCompany });
      this.#threads.clear();
    });
  }

  spawn(spec: RunnerSpec, events: HostEvents): Runner {
    const thread = new ThreadRunner(spec.epoch, this.#process, events, () => this.#kill(spec.epoch));
    this.#threads.set(spec.epoch, thread);
    this.#process.tell({ c: "start", spec });
    return thread;
  }

  receive(message: FromChild): void {
    if (message.c === "from") this.#threads.get(message.message.epoch)?.events.onMessage(message.message);
    else if (message.c === "exit") {
      const { epoch, code, heapFull } = message;
      this.#threads.get(epoch)?.gone({ epoch, code, signal: null, asNeighbour: false, heapFull });
      this.#threads.delete(message.epoch);
    } else void this.kill(message.epoch);
  }

  finding(message: Finding): void {
    this.#threads.get(message.epoch)?.events.onWatchdog(message);
  }

  /** The whole process. `culprit`: whose fault it is; undefined: nobody's. */
  async kill(culprit: string | undefined): Promise<void> {
    this.#culprit ??= culprit;
    this.#killed = true;
    this.onClosing();
    await this.#process.kill();
    await this.closed;
  }

  async #kill(epoch: string): Promise<void> {
    const thread = this.#threads.get(epoch);
    if (!thread) return;
    this.#process.tell({ c: "terminate", epoch });
    if (!(await within(thread.exited, terminateWithinMs))) await this.kill(epoch);
  }
}

class ThreadRunner implements Runner {
  readonly epoch: string;
  readonly pid: number;
  readonly exited: Promise<RunnerExit>;
  readonly events: HostEvents;
  gone: (exit: RunnerExit) => void = () => {};
  readonly #process: RunnerProcess;
  readonly #kill: () => Promise<void>;

  constructor(epoch: string, process: RunnerProcess, events: HostEvents, kill: () => Promise<void>) {
    this.epoch = epoch;
    this.pid = process.pid;
    this.events = events;
    this.#process = process;
    this.#kill = kill;
    this.exited = new Promise((resolve) => {
      this.gone = resolve;
    });
  }

  send(message: ToRunner): void {
    this.#process.tell({ c: "to", message });
  }

  cancel(number: number, signal?: string): void {
    this.#process.tellWatchdog({ t: "cancel", epoch: this.epoch, number, ...(signal !== undefined && { signal }) });
  }

  wantEvents(wanted: boolean): void {
    this.#process.tellWatchdog({ t: "events", wanted });
  }

  signal(): boolean {
    return false;
  }

  async slots(deadlineMs: number) {
    const answer = await this.#process.slots(deadlineMs);
    const own = answer.runners.find((runner) => runner.epoch === this.epoch);
    return own ?? { epoch: this.epoch, tasksDone: 0, loopLagMs: 0, askingMs: 0, taken: [] };
  }

  async kill(): Promise<void> {
    await this.#kill();
    await this.exited;
  }
}

async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
