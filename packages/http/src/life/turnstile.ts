/**
 * Lets work begin one at a time, each in a turn of the event loop of its own. Of a thousand uploads that come at once each would
 * otherwise do its part in every turn, and a question that takes a few turns would wait for all of them. It holds nobody: who has
 * passed and then waits for a slow client is in no one's way.
 */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #turning = false;

  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#turning) this.#turn();
    });
  }

  #turn(): void {
    this.#turning = true;
    setImmediate(() => {
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#turn();
      else this.#turning = false;
    });
  }
}
