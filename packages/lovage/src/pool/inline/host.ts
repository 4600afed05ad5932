/**
 * Host of the `inline` pool: runners live in the current thread, for tests, `lovage dev` and embedding. Limits are looked at
 * by a timer of the same loop, so soft limits and cancel reach code that awaits; nothing can be killed, and it says so.
 */
import { type HostedRunner, hostRunner, tableFor } from "../hosted-runner.ts";
import type { RunnerSlots, RunnerSpec, ToRunner } from "../protocol.ts";
import type { StartRunner } from "../runner-entry.ts";
import type { HostEvents, Runner, RunnerExit, RunnerHost } from "../runner-host.ts";
import { newSharedMemory } from "../shared-memory.ts";
import { monotonicMs } from "../slot-table.ts";
import { Watchdog } from "../watchdog.ts";

export interface InlineHostOptions {
  readonly start: StartRunner;
}

const lookEveryMs = 25;

export class InlineHost implements RunnerHost {
  readonly canKill = false;
  readonly #options: InlineHostOptions;

  constructor(options: InlineHostOptions) {
    this.#options = options;
  }

  async spawn(spec: RunnerSpec, events: HostEvents): Promise<Runner> {
    return new InlineRunner(spec, events, this.#options.start);
  }

  async close(): Promise<void> {}
}

class InlineRunner implements Runner {
  readonly epoch: string;
  readonly pid = process.pid;
  readonly exited: Promise<RunnerExit>;
  readonly #watchdog = new Watchdog();
  readonly #hosted: HostedRunner;

  constructor(spec: RunnerSpec, events: HostEvents, start: StartRunner) {
    this.epoch = spec.epoch;
    const slots = tableFor(spec);
    this.#watchdog.add(spec.epoch, slots);
    // Messages leave by the event loop, as they would from another process: nothing is answered inside of `spawn`.
    this.#hosted = hostRunner({
      spec,
      slots,
      shared: newSharedMemory(),
      start,
      send: (message) => setImmediate(() => events.onMessage(message)),
      wakeWatchdog: () => {},
    });
    const timer = setInterval(() => this.#look(events), lookEveryMs);
    timer.unref();
    this.exited = this.#hosted.done.then(
      () =>
        new Promise((resolve) => {
          clearInterval(timer);
          setImmediate(() => resolve({ epoch: spec.epoch, code: 0, signal: null, asNeighbour: false }));
        }),
    );
  }

  send(message: ToRunner): void {
    this.#hosted.receive(message);
  }

  cancel(number: number, signal?: string): void {
    if (this.#watchdog.cancel(this.epoch, number, signal)) this.#hosted.flagged(number);
  }

  wantEvents(wanted: boolean): void {
    this.#watchdog.wantEvents(wanted);
  }

  signal(): boolean {
    return false;
  }

  async slots(): Promise<RunnerSlots> {
    return this.#watchdog.slots(monotonicMs())[0] as RunnerSlots;
  }

  /** Cannot: the code goes on in this very thread. */
  async kill(): Promise<void> {}

  #look(events: HostEvents): void {
    for (const finding of this.#watchdog.look(monotonicMs())) {
      if (finding.t === "soft-limit") this.#hosted.flagged(finding.number);
      events.onWatchdog(finding);
    }
  }
}
