/**
 * A clock that a test moves by hand. `advance` lets everything that falls due on the way run in its order, each at its own
 * time, also what is scheduled meanwhile; it never waits for real time.
 */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../kernel/clock.ts";

export interface ManualClock extends Clock {
  /** Moves both clocks forward by `ms` and resolves when what became due has run. */
  advance(ms: number): Promise<void>;
  /** Steps the wall clock alone, forwards or backwards, as an administrator or NTP does. Wakes nobody. */
  step(ms: number): void;
  /** How many sleep now. */
  readonly sleeping: number;
}

interface Sleeper {
  readonly dueAt: number;
  readonly order: number;
  wake(): void;
}

/** `startAt`: the wall clock's first reading, milliseconds since 1970. @defaultValue 2026-01-01T00:00:00Z */
export function manualClock(startAt: number = Date.UTC(2026, 0, 1)): ManualClock {
  const sleepers = new Set<Sleeper>();
  let elapsed = 0;
  let offset = startAt;
  let order = 0;

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      order += 1;
      const sleeper: Sleeper = {
        dueAt: elapsed + Math.max(0, ms),
        order,
        wake() {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  function nextDue(until: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of sleepers) {
      if (sleeper.dueAt > until) continue;
      if (!first || sleeper.dueAt < first.dueAt || (sleeper.dueAt === first.dueAt && sleeper.order < first.order)) first = sleeper;
    }
    return first;
  }

  async function advance(ms: number): Promise<void> {
    const until = elapsed + ms;
    await setImmediate(); // whoever is about to sleep gets there first
    for (let sleeper = nextDue(until); sleeper; sleeper = nextDue(until)) {
      elapsed = Math.max(elapsed, sleeper.dueAt);
      sleeper.wake();
      await setImmediate();
    }
    elapsed = Math.max(elapsed, until);
    await setImmediate();
  }

  return {
    now: () => offset + elapsed,
    monotonic: () => elapsed,
    sleep,
    advance,
    step(ms) {
      offset += ms;
    },
    get sleeping() {
      return sleepers.size;
    },
  };
}
