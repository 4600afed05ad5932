/**
 * Looks whether another process has committed something, for as long as somebody in this one waits for that. `PRAGMA
 * data_version` costs 4 µs a look; file watching is not to be relied on (dependencies.md, embedded store, rule 6). Real
 * time on purpose: it stands in for a signal that SQLite does not have.
 */
const fastestMs = 5;
const slowestMs = 50;
/** Stays fast this long after a change. */
const fastForMs = 250;

export class Poller {
  readonly #look: () => boolean;
  readonly #onFault: (fault: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = fastestMs;
  #changedAt = 0;

  /** `look`: was there a change since the last look? It also tells whoever waits. */
  constructor(look: () => boolean, onFault: (fault: unknown) => void) {
    this.#look = look;
    this.#onFault = onFault;
  }

  /** Keeps the process alive, as a connection to a server would. */
  start(): void {
    if (this.#timer) return;
    this.#changedAt = performance.now();
    this.#pauseMs = fastestMs;
    this.#timer = setTimeout(() => this.#tick(), this.#pauseMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const now = performance.now();
    if (this.#tryLook()) this.#changedAt = now;
    this.#pauseMs = now - this.#changedAt < fastForMs ? fastestMs : Math.min(slowestMs, this.#pauseMs * 1.5);
    // The look may have ended the last wait.
    if (this.#timer) this.#timer = setTimeout(() => this.#tick(), this.#pauseMs);
  }

  #tryLook(): boolean {
    try {
      return this.#look();
    } catch (fault) {
      this.#onFault(fault);
      return false;
    }
  }
}
