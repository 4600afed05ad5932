/** Pauses between restarts: at once after a long life, doubling up to 10 s for what dies young. */
export class Backoff {
  #next = 0;
  #startedAt = performance.now();

  nextMs(): number {
    const lived = performance.now() - this.#startedAt;
    this.#next = lived > 10_000 ? 0 : Math.min(10_000, Math.max(250, this.#next * 2));
    this.#startedAt = performance.now() + this.#next;
    return this.#next;
  }
}
