/**
 * The logical clock that Celery's events and control messages carry (celery-wire.md §9.4). Several processes of one node each
 * have one: made with the same start, each counts at least the time since then, so that what one of them sends after the other
 * also counts as later (docs/adr/0014).
 */
export class LamportClock {
  readonly #least: () => number;
  #value = 0;

  /** `startedAtMs`: since when it counts 10 µs at a time, milliseconds since 1970. Absent: it counts messages only. */
  constructor(startedAtMs?: number) {
    this.#least = startedAtMs === undefined ? () => 0 : () => Math.floor((wallMs() - startedAtMs) * 100);
  }

  get value(): number {
    return Math.max(this.#value, this.#least());
  }

  /** For each message sent. */
  forward(): number {
    this.#value = Math.max(this.#value + 1, this.#least());
    return this.#value;
  }

  /** For each one received; 0 and missing are fine. */
  adjust(other: number): number {
    this.#value = Math.max(this.value, Number.isSafeInteger(other) ? other : 0) + 1;
    return this.#value;
  }
}

const wallMs = (): number => performance.timeOrigin + performance.now();
