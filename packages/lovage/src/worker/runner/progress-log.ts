/**
 * Writes the progress and the events of runs into the state log of their root task: of progress the latest entry of a task at
 * most every 100 ms, and always its last one before the end; of events each one. Never makes a task wait and never fails it;
 * what the state store does not take is dropped, counted and said.
 */
import type { StateStore } from "../../broker/state-store.ts";
import { type ProgressEntry, progressLog, progressLogLimits } from "../../execution/run-controls.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { TaskId } from "../../message/task-message.ts";

const everyMs = 100;
/** Milliseconds between two warnings about dropped entries. */
const warnEveryMs = 10_000;
/** Of all runs, while the store does not answer; more are dropped. */
const mostEventsWaiting = 1000;

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

interface Posted {
  readonly rootId: TaskId;
  readonly line: string;
  readonly onWritten?: (written: boolean) => void;
}

export class ProgressLog {
  readonly #options: ProgressLogOptions;
  readonly #reporters = new Map<string, Reporter>();
  /** In order. While a write is on its way only the newest progress of each task, by its id, is kept for the next; and all events. */
  #outbox = new Map<TaskId | symbol, Posted>();
  #eventsWaiting = 0;
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
    this.#postProgress(entry);
  }

  /** After the task's progress so far. */
  emit({ taskId, rootId }: { readonly taskId: TaskId; readonly rootId: TaskId }, line: string): Promise<boolean> {
    if (this.#eventsWaiting === mostEventsWaiting) {
      this.#drop(1, `${mostEventsWaiting} events wait for the store already`);
      return Promise.resolve(false);
    }
    this.#postPending(taskId);
    this.#eventsWaiting += 1;
    return new Promise((resolve) => {
      const onWritten = (written: boolean) => {
        this.#eventsWaiting -= 1;
        resolve(written);
      };
      this.#post(Symbol(taskId), { rootId, line, onWritten });
    });
  }

  /** The task's run ends: its last entry goes out now. */
  end(taskId: TaskId): void {
    if (this.#reporters.size === 0) return;
    this.#postPending(taskId);
    this.#reporters.delete(taskId);
  }

  #postPending(taskId: TaskId): void {
    const reporter = this.#reporters.get(taskId);
    if (!reporter?.pending) return;
    this.#postProgress(reporter.pending);
    reporter.pending = null;
    reporter.lastAt = this.#options.clock.monotonic();
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
    for (const [taskId, { pending, lastAt }] of this.#reporters) {
      if (pending === null) continue;
      if (now - lastAt < everyMs) this.#armTimer();
      else this.#postPending(taskId);
    }
  }

  #postProgress(entry: ProgressEntry): void {
    this.#post(entry.taskId, { rootId: entry.rootId, line: asLine(entry) });
  }

  #post(key: TaskId | symbol, posted: Posted): void {
    this.#outbox.delete(key);
    this.#outbox.set(key, posted);
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    while (this.#outbox.size > 0) {
      const posted = [...this.#outbox.values()];
      this.#outbox = new Map();
      await Promise.all([...byRoot(posted)].map(([root, entries]) => this.#append(root, entries)));
    }
    this.#sending = undefined;
  }

  async #append(root: TaskId, entries: readonly Posted[]): Promise<void> {
    let written = true;
    try {
      const state = await this.#options.state();
      const lines = entries.map(({ line }) => line);
      await state.append(progressLog(root), lines, progressLogLimits);
    } catch (error) {
      written = false;
      this.#drop(entries.length, error);
    }
    for (const { onWritten } of entries) onWritten?.(written);
  }

  #drop(count: number, error: unknown): void {
    this.#dropped += count;
    const now = this.#options.clock.monotonic();
    if (now - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = now;
    this.#options.log.warn("runner.progress-dropped", { entriesSoFar: this.#dropped, error });
  }
}

function byRoot(posted: readonly Posted[]): Map<TaskId, Posted[]> {
  const logs = new Map<TaskId, Posted[]>();
  for (const each of posted) {
    const log = logs.get(each.rootId) ?? [];
    log.push(each);
    logs.set(each.rootId, log);
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
