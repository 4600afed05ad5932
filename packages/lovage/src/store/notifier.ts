/**
 * Wakes those who wait for a topic, in this process. It carries no data and remembers nothing but "something happened since
 * you last looked", so a waiter looks again whenever it is woken.
 */
export class Notifier {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #onBusy: (busy: boolean) => void;
  #count = 0;

  /** `onBusy`: told when the first listener comes and when the last one leaves. */
  constructor(onBusy: (busy: boolean) => void = () => {}) {
    this.#onBusy = onBusy;
  }

  listen(topics: readonly string[]): Listener {
    const listener = new Listener(() => this.#forget(topics, listener));
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic);
      if (listeners) listeners.add(listener);
      else this.#listeners.set(topic, new Set([listener]));
    }
    this.#count += 1;
    if (this.#count === 1) this.#onBusy(true);
    return listener;
  }

  notify(topic: string): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener.ring();
  }

  /** Something happened, and we don't know what. */
  notifyAll(): void {
    for (const listeners of this.#listeners.values()) for (const listener of listeners) listener.ring();
  }

  #forget(topics: readonly string[], listener: Listener): void {
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#listeners.delete(topic);
    }
    this.#count -= 1;
    if (this.#count === 0) this.#onBusy(false);
  }
}

export class Listener {
  readonly #onClose: () => void;
  #rung = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, at once if there was one since the last call, and when the signal aborts. Never rejects. */
  async rung(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener("abort", done);
          resolve();
        };
        this.#wake = done;
        signal.addEventListener("abort", done, { once: true });
      });
    }
    this.#wake = undefined;
    this.#rung = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }
}
