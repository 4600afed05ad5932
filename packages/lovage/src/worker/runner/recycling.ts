/** Whether a runner has to make room for a fresh one: after so many tasks, or above so much memory. Looked at between tasks. */
import type { Clock } from "../../kernel/clock.ts";

/** Milliseconds between two looks at the memory: reading it costs more than a small task. */
const lookEveryMs = 20;

export interface RecyclingOptions {
  readonly maxTasks: number | null;
  readonly maxMemoryBytes: number | null;
  readonly clock: Clock;
  /** RSS of a process, heap of a thread. */
  memoryBytes(): number;
}

export class Recycling {
  readonly #options: RecyclingOptions;
  #started = 0;
  #ended = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RecyclingOptions) {
    this.#options = options;
  }

  /** How many more tasks it may start. */
  get left(): number {
    return this.#options.maxTasks === null ? Number.POSITIVE_INFINITY : this.#options.maxTasks - this.#started;
  }

  get tasksDone(): number {
    return this.#ended;
  }

  taskStarted(): void {
    this.#started += 1;
  }

  /** Why it is time to go, if it is. */
  taskEnded(): "max-tasks" | "max-memory" | null {
    this.#ended += 1;
    const { maxTasks, maxMemoryBytes } = this.#options;
    if (maxTasks !== null && this.#started >= maxTasks) return "max-tasks";
    return maxMemoryBytes !== null && this.#isOver(maxMemoryBytes) ? "max-memory" : null;
  }

  #isOver(maxBytes: number): boolean {
    const now = this.#options.clock.monotonic();
    if (now - this.#lookedAt < lookEveryMs) return false;
    this.#lookedAt = now;
    return this.#options.memoryBytes() > maxBytes;
  }
}
