/** The logical clock that Celery's control messages carry (celery-wire.md §9.4). */
export class LamportClock {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** For each message sent. */
  forward(): number {
    this.#value += 1;
    return this.#value;
  }

  /** For each one received; 0 and missing are fine. */
  adjust(other: number): number {
    this.#value = Math.max(this.#value, Number.isSafeInteger(other) ? other : 0) + 1;
    return this.#value;
  }
}
