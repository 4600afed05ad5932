/** The lines that a pipeline's jobs wait in, and how long its jobs take: what a job's place and start are told from. */
import type { App } from "lovage";
import type { JobRecord } from "../job-record.ts";
import type { Situation } from "../job-view.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Runs that are remembered. */
const remembered = 50;

export class WaitingLines {
  readonly #app: App;
  readonly #task: string;
  readonly #ever: () => Promise<number | null>;
  readonly #lines = new Map<string, WaitingLine>();
  readonly #lately: number[] = [];
  #everTaken: number | null | undefined;

  /** @param ever seconds that the pipeline's jobs have taken so far, on average */
  constructor(app: App, task: string, ever: () => Promise<number | null>) {
    this.#app = app;
    this.#task = task;
    this.#ever = ever;
  }

  /** @param priority as in its message */
  sent({ queue, taskId }: JobRecord, priority: number): void {
    this.#lineOf(queue).sent(taskId, priority);
  }

  /** It was seen to begin or to end; `isNews`: for the first time here. */
  moved({ queue, taskId, startedAt, end }: JobRecord, isNews: boolean): void {
    this.#lines.get(queue)?.left(taskId);
    if (!isNews || end?.status !== "complete" || startedAt === undefined) return;
    this.#lately.push(Math.max(0, end.at - startedAt) / 1000);
    if (this.#lately.length > remembered) this.#lately.shift();
  }

  async placeOf({ queue, taskId }: JobRecord): Promise<NonNullable<Situation["place"]>> {
    return this.#lineOf(queue).placeOf(taskId, this.#runSeconds());
  }

  #lineOf(queue: string): WaitingLine {
    const known = this.#lines.get(queue);
    if (known !== undefined) return known;
    const line = new WaitingLine(this.#app, queue, this.#task);
    this.#lines.set(queue, line);
    return line;
  }

  /** Of late, or of all jobs before if none has ended here. Asked for once, and not waited for. */
  #runSeconds(): number | null {
    if (this.#lately.length > 0) return this.#lately.reduce((sum, seconds) => sum + seconds, 0) / this.#lately.length;
    if (this.#everTaken !== undefined) return this.#everTaken;
    this.#everTaken = null;
    this.#ever().then(
      (seconds) => {
        this.#everTaken = seconds;
      },
      () => {
        this.#everTaken = undefined;
      },
    );
    return null;
  }
}
