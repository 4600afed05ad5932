/**
 * When the next runner may be started: at once after a death in the middle of work (poison is capped elsewhere), slower and slower
 * while runners die before they are ready, and never hot: a burst of deaths is spread out, by less than 2 s each.
 */
const firstStartDelayMs = 200;
const mostStartDelayMs = 30_000;
/** So many deaths within the window cost nothing; a machine that kills at random does not leave the pool short. */
const freeDeaths = 10;
const windowMs = 10_000;
const burstDelayMs = 500;

export class RespawnPace {
  #startFailures = 0;
  #deaths: number[] = [];
  #last: { readonly pid: number | null; readonly pauseMs: number } | undefined;

  ready(): void {
    this.#startFailures = 0;
  }

  /**
   * `atWork`: not of how it starts. Times are monotonic milliseconds. Returns how long to wait before its replacement is started.
   * Threads that die with their process died once.
   */
  died(atWork: boolean, now: number, pid: number | null = null): number {
    if (pid === null || pid !== this.#last?.pid) this.#last = { pid, pauseMs: this.#pauseMs(atWork, now) };
    return this.#last.pauseMs;
  }

  #pauseMs(atWork: boolean, now: number): number {
    if (!atWork) {
      this.#startFailures += 1;
      return Math.min(mostStartDelayMs, firstStartDelayMs * 2 ** (this.#startFailures - 1));
    }
    this.#deaths = [...this.#deaths.filter((at) => now - at < windowMs), now];
    return this.#deaths.length > freeDeaths ? burstDelayMs : 0;
  }
}
