/**
 * One runner as its thread sees it, whichever pool: loads the entry, keeps the loop's heartbeat, holds back messages that
 * come before the entry can take them.
 */
import type { FromRunner, RunnerSpec, ToRunner } from "./protocol.ts";
import type { RunnerEntry, RunnerPort, StartRunner } from "./runner-entry.ts";
import { monotonicMs, rowsFor, SlotTable } from "./slot-table.ts";
import { beatEveryMs } from "./watchdog.ts";

export interface HostedRunner {
  receive(message: ToRunner): void;
  flagged(number: number): void;
  readonly done: Promise<void>;
}

export interface HostedRunnerOptions {
  readonly spec: RunnerSpec;
  readonly slots: SlotTable;
  readonly shared: SharedArrayBuffer;
  readonly start: StartRunner;
  readonly send: (message: FromRunner) => void;
  /** The loop's heartbeat, which had rested, beats again. */
  readonly wakeWatchdog: () => void;
}

/** Milliseconds without a run after which the heartbeat rests: a busy runner is not made to start it for every task. */
const restAfterMs = 1000;

export function tableFor(spec: RunnerSpec): SlotTable {
  const table = new SlotTable(rowsFor(spec.slots));
  table.wantsEvents = spec.wantsEvents;
  return table;
}

export async function loadEntry(url: string): Promise<StartRunner> {
  const entry = (await import(url)) as RunnerEntry;
  return entry.start;
}

export function hostRunner(options: HostedRunnerOptions): HostedRunner {
  const { spec, slots, shared, start, send, wakeWatchdog } = options;
  const early: ((port: RunnerPort) => void)[] = [];
  let port: RunnerPort | undefined;
  const tell = (word: (port: RunnerPort) => void) => {
    if (port) word(port);
    else early.push(word);
  };
  const run = async (): Promise<void> => {
    const stopHeartbeat = startHeartbeat(slots, wakeWatchdog);
    try {
      port = await start({ spec, slots, shared, send });
      for (const word of early) word(port);
      await port.done;
    } catch (error) {
      send({ t: "failed", epoch: spec.epoch, code: "LOVAGE_RUNNER_CRASHED", message: String((error as Error)?.stack ?? error) });
    } finally {
      stopHeartbeat();
    }
  };
  return {
    done: run(),
    receive: (message) => tell((to) => to.receive(message)),
    flagged: (number) => tell((to) => to.flagged(number)),
  };
}

/** Beats while something runs; an idle loop rests, and its watchdog with it. Returns what ends it. */
export function startHeartbeat(slots: SlotTable, wakeWatchdog: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let busyAt = 0;
  const beat = () => {
    const now = monotonicMs();
    slots.beat(now);
    if (slots.busy) busyAt = now;
    else if (now - busyAt >= restAfterMs) rest();
  };
  const rest = () => {
    clearInterval(timer);
    slots.beat(0);
    slots.onTake = start;
  };
  const start = () => {
    slots.onTake = null;
    busyAt = monotonicMs();
    // At once: the very first task may block the loop before the timer has fired.
    slots.beat(busyAt);
    timer = setInterval(beat, beatEveryMs);
    timer.unref();
    wakeWatchdog();
  };
  start();
  return () => clearInterval(timer);
}
