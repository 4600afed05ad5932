/**
 * What a watchdog sees when it looks at slot tables: limits that are over, loops that do not turn. Looks and remembers
 * what it has said; no timers, no I/O, so the same code serves the watchdog thread and the `inline` pool.
 */
import type { Epoch } from "../message/commit.ts";
import type { FromWatchdog, RunnerSlots } from "./protocol.ts";
import { abortFlag, cancelFlag, type SlotTable, type SlotView, slotState } from "./slot-table.ts";

/** How often a runner's loop writes its heartbeat; lag is what goes beyond it. */
export const beatEveryMs = 100;
/** A loop that has not turned for this long is blocked: a runner that awaits answers within a few milliseconds. */
export const blockedAfterMs = 1000;

type Finding = Exclude<FromWatchdog, { readonly t: "slots" | "over-memory" }>;

interface Watched {
  readonly table: SlotTable;
  /** Delivery number whose limit was announced, by slot; 0: none. */
  readonly softSaid: number[];
  readonly hardSaid: number[];
  /** The next lag worth saying: doubles, so that a day-long loop makes a dozen lines. */
  nextLagMs: number;
}

export class Watchdog {
  readonly #runners = new Map<Epoch, Watched>();
  #wantsEvents: boolean | undefined;

  add(epoch: Epoch, table: SlotTable): void {
    if (this.#wantsEvents !== undefined) table.wantsEvents = this.#wantsEvents;
    this.#runners.set(epoch, { table, softSaid: [], hardSaid: [], nextLagMs: blockedAfterMs });
  }

  remove(epoch: Epoch): void {
    this.#runners.delete(epoch);
  }

  /** Some loop has something to run, or had a moment ago: there may be something to see. */
  get awake(): boolean {
    for (const { table } of this.#runners.values()) if (table.lastBeat !== 0) return true;
    return false;
  }

  /** Sets the abort flag of soft limits and returns what has to be told, each once. */
  look(now: number): Finding[] {
    const findings: Finding[] = [];
    for (const [epoch, watched] of this.#runners) {
      const lagMs = loopLagMs(watched.table, now);
      for (const view of taken(watched.table)) lookAtLimits(epoch, watched, view, now, lagMs, findings);
      lookAtLoop(epoch, watched, lagMs, findings);
    }
    return findings;
  }

  /** Raises the abort flag of a run, for code that asks instead of awaiting. False: it does not run here. */
  cancel(epoch: Epoch, number: number, signal?: string): boolean {
    const table = this.#runners.get(epoch)?.table;
    if (!table) return false;
    for (const view of taken(table))
      if (view.number === number) return table.abort(view.slot, cancelFlag(signal === undefined ? {} : { signal }));
    return false;
  }

  /** Of all runners here, those that come later too. */
  wantEvents(wanted: boolean): void {
    this.#wantsEvents = wanted;
    for (const { table } of this.#runners.values()) table.wantsEvents = wanted;
  }

  slots(now: number): RunnerSlots[] {
    return [...this.#runners].map(([epoch, { table }]) => ({
      epoch,
      tasksDone: table.tasksDone,
      loopLagMs: loopLagMs(table, now),
      askingMs: table.askingSince === 0 ? 0 : now - table.askingSince,
      taken: [...taken(table)].map((view) => ({
        number: view.number,
        runningMs: now - view.startedAt,
        state: view.state === slotState.suspended ? "suspended" : view.state === slotState.abandoned ? "abandoned" : "running",
      })),
    }));
  }
}

function lookAtLimits(epoch: Epoch, watched: Watched, view: SlotView, now: number, lagMs: number, findings: Finding[]): void {
  const { table, softSaid, hardSaid } = watched;
  const { slot, number, softAt, hardAt, startedAt } = view;
  if (view.state === slotState.abandoned) return;
  if (softAt > 0 && now >= softAt && softSaid[slot] !== number) {
    softSaid[slot] = number;
    if (table.abort(slot, abortFlag.softLimit)) findings.push({ t: "soft-limit", epoch, number });
  }
  if (hardAt > 0 && now >= hardAt && hardSaid[slot] !== number) {
    hardSaid[slot] = number;
    findings.push({ t: "hard-limit", epoch, number, limitMs: hardAt - startedAt, loopLagMs: lagMs });
  }
}

function lookAtLoop(epoch: Epoch, watched: Watched, lagMs: number, findings: Finding[]): void {
  if (lagMs < blockedAfterMs) {
    watched.nextLagMs = blockedAfterMs;
    return;
  }
  if (lagMs < watched.nextLagMs) return;
  const numbers = [...taken(watched.table)].filter((view) => view.state !== slotState.suspended).map((view) => view.number);
  if (numbers.length === 0) return;
  watched.nextLagMs *= 2;
  findings.push({ t: "loop-blocked", epoch, lagMs, numbers });
}

function* taken(table: SlotTable): Generator<SlotView> {
  for (let slot = 0; slot < table.slots; slot++) {
    const view = table.view(slot);
    if (view.state !== slotState.free) yield view;
  }
}

/** 0 before the first beat: loading an app may take its time. 0, too, of a loop that rests. */
function loopLagMs(table: SlotTable, now: number): number {
  return table.lastBeat === 0 ? 0 : Math.max(0, now - table.lastBeat - beatEveryMs);
}
