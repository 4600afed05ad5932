/**
 * Writes the progress of runs into the state log of their root task: the latest entry of a task at most every 100 ms, and
 * always its last one before the end. Never makes a task wait and never fails it; what the state store does not take is
 * dropped, counted and said.
 */
import type { StateStore } from "../../broker/state-store.ts";
import { type ProgressEntry, progressLog, progressLogLimits } from "../../execution/run-controls.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";

const everyMs = 100;
/** Milliseconds between two warnings about dropped entries. */
const warnEveryMs = 10_000;

export interface ProgressLogOptions {
  /** Opened at the first entry. */
  state(): Promise<StateStore>;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Reporter {
  lastAt: number;
  pending: ProgressEntry | null;
}

export class ProgressLog {
  readonly #options: ProgressLogOptions;
  readonly #reporters = new Map<string, Reporter>();
  /** By task: while a write is on its way only the newest entry of each task is kept for the next. */
  #outbox = new Map<string, ProgressEntry>();
  #sending: Promise<void> | undefined;
  #timerArmed = false;
  #dropped = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressLogOptions) {
    this.#options = options;
  }

  note(entry: ProgressEntry): void {
    const now = this.#options.clock.monotonic();
    const reporter = this.#reporters.get(entry.taskId);
    if (reporter !== undefined && now - reporter.lastAt < everyMs) {
      reporter.pending = entry;
      this.#armTimer();
      return;
    }
    this.#reporters.set(entry.taskId, { lastAt: now, pending: null });
    this.#post(entry);
  }

  /** The task's run ends: its last entry goes out now. */
  end(taskId: string): void {
    if (this.#reporters.size === 0) return;
    const pending = this.#reporters.get(taskId)?.pending;
    if (pending) this.#post(pending);
    this.#reporters.delete(taskId);
  }

  /** Resolves when all that was noted is written or dropped. */
  async settled(): Promise<void> {
    for (const taskId of [...this.#reporters.keys()]) this.end(taskId);
    while (this.#sending !== undefined) await this.#sending;
  }

  /** One timer for all tasks, and only while something waits. */
  #armTimer(): void {
    if (this.#timerArmed) return;
    this.#timerArmed = true;
    void this.#options.clock.sleep(everyMs).then(() => {
      this.#timerArmed = false;
      this.#postDue();
    });
  }

  #postDue(): void {
    const now = this.#options.clock.monotonic();
    for (const reporter of this.#reporters.values()) {
      if (reporter.pending === null) continue;
      if (now - reporter.lastAt < everyMs) {
        this.#armTimer();
        continue;
      }
      this.#post(reporter.pending);
      reporter.pending = null;
      reporter.lastAt = now;
    }
  }

  #post(entry: ProgressEntry): void {
    this.#outbox.set(entry.taskId, entry);
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    while (this.#outbox.size > 0) {
      const entries = [...this.#outbox.values()];
      this.#outbox = new Map();
      try {
        const state = await this.#options.state();
        await Promise.all([...byRoot(entries)].map(([root, lines]) => state.append(progressLog(root), lines, progressLogLimits)));
      } catch (error) {
        this.#drop(entries.length, error);
      }
    }
    this.#sending = undefined;
  }

  #drop(count: number, error: unknown): void {
    this.#dropped += count;
    const now = this.#options.clock.monotonic();
    if (now - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = now;
    this.#options.log.warn("runner.progress-dropped", { entriesSoFar: this.#dropped, error });
  }
}

function byRoot(entries: readonly ProgressEntry[]): Map<string, string[]> {
  const logs = new Map<string, string[]>();
  for (const entry of entries) {
    const lines = logs.get(entry.rootId) ?? [];
    lines.push(asLine(entry));
    logs.set(entry.rootId, lines);
  }
  return logs;
}

/** `data` is the user's and may be anything: what cannot be written is left out, the rest still tells how far it is. */
function asLine(entry: ProgressEntry): string {
  try {
    return JSON.stringify(entry);
  } catch {
    return JSON.stringify({ ...entry, data: undefined });
  }
}
