/**
 * The slots of one runner in shared memory: the runner writes what it is about to run before user code gets control, the
 * watchdog thread reads it while user code may be in a loop, and writes the abort flag that `run.throwIfAborted()` sees.
 * All times are milliseconds of the process's monotonic clock (`monotonicMs`), the same in all of its threads.
 */
/** Places in the header, one for each of these. */
const header = { lastBeat: 0, tasksDone: 1, askingSince: 2, wantsEvents: 3 } as const;
const HEADER_DOUBLES = Object.keys(header).length;
const SLOT_DOUBLES = 4;
const HEADER_BYTES = HEADER_DOUBLES * 8;
const SLOT_BYTES = SLOT_DOUBLES * 8 + 8;

export const slotState = { free: 0, running: 1, suspended: 2, abandoned: 3 } as const;
export type SlotState = (typeof slotState)[keyof typeof slotState];
/** Why a run should stop; 0: it should not. */
export const abortFlag = { none: 0, softLimit: 1, cancelled: 2, shutdown: 3, abandoned: 4, cancelledSoftly: 5 } as const;
export type AbortFlag = (typeof abortFlag)[keyof typeof abortFlag];

/** SIGUSR1 is what a soft time limit is made of in Celery: code hears the same of both. */
export const cancelFlag = ({ signal }: { readonly signal?: string }): AbortFlag =>
  signal === "SIGUSR1" ? abortFlag.cancelledSoftly : abortFlag.cancelled;

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface SlotView {
  readonly slot: number;
  readonly state: SlotState;
  readonly number: number;
  readonly startedAt: number;
  /** 0: none. */
  readonly softAt: number;
  readonly hardAt: number;
}

/** Rows of a runner's table: beside those of its slots there are some for suspended runs, which are still limited, and to grow into. */
export const rowsFor = (slots: number): number => slots + Math.max(64, slots);

export class SlotTable {
  readonly memory: SharedArrayBuffer;
  readonly slots: number;
  /** Called by `take`: somebody rests until there is a run. */
  onTake: (() => void) | null = null;
  readonly #doubles: Float64Array;
  readonly #flags: Int32Array;

  /** Without `memory` a new, empty table. */
  constructor(slots: number, memory?: SharedArrayBuffer) {
    this.slots = slots;
    this.memory = memory ?? new SharedArrayBuffer(HEADER_BYTES + slots * SLOT_BYTES);
    this.#doubles = new Float64Array(this.memory, 0, HEADER_DOUBLES + slots * SLOT_DOUBLES);
    this.#flags = new Int32Array(this.memory, HEADER_BYTES + slots * SLOT_DOUBLES * 8, slots * 2);
  }

  /** Call before user code gets control. */
  take(slot: number, number: number, startedAt: number, softAt: number, hardAt: number): void {
    const base = HEADER_DOUBLES + slot * SLOT_DOUBLES;
    this.#doubles[base] = number;
    this.#doubles[base + 1] = startedAt;
    this.#doubles[base + 2] = softAt;
    this.#doubles[base + 3] = hardAt;
    Atomics.store(this.#flags, slot * 2 + 1, abortFlag.none);
    Atomics.store(this.#flags, slot * 2, slotState.running);
    this.onTake?.();
  }

  setState(slot: number, state: SlotState): void {
    Atomics.store(this.#flags, slot * 2, state);
  }

  free(slot: number): void {
    Atomics.store(this.#flags, slot * 2, slotState.free);
    this.#doubles[header.tasksDone] = (this.#doubles[header.tasksDone] ?? 0) + 1;
  }

  /** Some slot is taken. */
  get busy(): boolean {
    for (let slot = 0; slot < this.slots; slot++) if (Atomics.load(this.#flags, slot * 2) !== slotState.free) return true;
    return false;
  }

  /** The first reason stays. Returns whether it was this one. */
  abort(slot: number, reason: AbortFlag): boolean {
    return Atomics.compareExchange(this.#flags, slot * 2 + 1, abortFlag.none, reason) === abortFlag.none;
  }

  aborted(slot: number): AbortFlag {
    return Atomics.load(this.#flags, slot * 2 + 1) as AbortFlag;
  }

  view(slot: number): SlotView {
    const base = HEADER_DOUBLES + slot * SLOT_DOUBLES;
    return {
      slot,
      state: Atomics.load(this.#flags, slot * 2) as SlotState,
      number: this.#doubles[base] ?? 0,
      startedAt: this.#doubles[base + 1] ?? 0,
      softAt: this.#doubles[base + 2] ?? 0,
      hardAt: this.#doubles[base + 3] ?? 0,
    };
  }

  /** The runner's loop calls it several times a second; its age is the loop's lag. 0: it rests, or has not begun. */
  beat(now: number): void {
    this.#doubles[header.lastBeat] = now;
  }

  /** Somebody listens to what the runner says of its tasks. Set by the watchdog: a loop that is blocked sees it when it goes on. */
  get wantsEvents(): boolean {
    return this.#doubles[header.wantsEvents] === 1;
  }

  set wantsEvents(wanted: boolean) {
    this.#doubles[header.wantsEvents] = wanted ? 1 : 0;
  }

  get lastBeat(): number {
    return this.#doubles[header.lastBeat] ?? 0;
  }

  get tasksDone(): number {
    return this.#doubles[header.tasksDone] ?? 0;
  }

  /** Since when the runner has asked the store for messages without an answer; 0: nothing is open. */
  set askingSince(since: number) {
    this.#doubles[header.askingSince] = since;
  }

  get askingSince(): number {
    return this.#doubles[header.askingSince] ?? 0;
  }
}
