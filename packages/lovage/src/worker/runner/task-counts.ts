/** Counts the tasks that a runner begins, by name, and tells its supervisor once a second at most: no message per task. */
export interface TaskCountsOptions {
  say(started: Readonly<Record<string, number>>): void;
}

const sayEveryMs = 1000;

export class TaskCounts {
  readonly #options: TaskCountsOptions;
  #started = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TaskCountsOptions) {
    this.#options = options;
  }

  began(task: string): void {
    this.#started.set(task, (this.#started.get(task) ?? 0) + 1);
    this.#timer ??= setTimeout(() => this.say(), sayEveryMs).unref();
  }

  /** What was not said yet. */
  say(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#started.size === 0) return;
    const started = Object.fromEntries(this.#started);
    this.#started = new Map();
    this.#options.say(started);
  }
}
