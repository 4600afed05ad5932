/** Long computations share their thread: every so often they let others have a turn, and see whether they are still wanted. */

const mostMs = 15;

export class Breath {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** @throws what the signal aborts with */
  async take(): Promise<void> {
    if (performance.now() - this.#since < mostMs) return;
    await new Promise(setImmediate);
    this.#signal?.throwIfAborted();
    this.#since = performance.now();
  }
}
