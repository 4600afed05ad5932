/**
 * Lets a few pieces of work go on at a time. Of a thousand uploads that come at once each would otherwise do its part in every turn
 * of the event loop, and a question that takes a few turns would wait for all of them. It holds nobody up for long: who waits for a
 * slow client gives its place to the next after a moment, and goes on.
 */
const atOnce = 2;
/** Milliseconds after which a place goes to the next, whoever still has it. */
const placeMs = 50;

export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  /** Resolves when there is a place, to what gives it back. */
  async pass(): Promise<() => void> {
    if (this.#taken < atOnce) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let left = false;
    const leave = () => {
      if (left) return;
      left = true;
      clearTimeout(timer);
      // In a turn of its own.
      setImmediate(() => this.#next());
    };
    const timer = setTimeout(leave, placeMs).unref();
    return leave;
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken -= 1;
  }
}
