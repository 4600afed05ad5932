/**
 * Where a job stands in its queue, and when it is likely to start. The queue is looked at for all jobs together, its front only,
 * and the less often the longer a look takes; what this service sends meanwhile stands behind what was seen.
 */
import type { App, LinePlace, QueueLine } from "lovage";
import type { Situation } from "../job-view.ts";

/** Messages that are looked at. */
const looksAt = 1000;
const lookEveryMs = 250;
/** A look takes at most this part of the time. */
const largestShare = 0.05;
const fleetEveryMs = 2000;

interface Look {
  readonly line: QueueLine;
  readonly positions: ReadonlyMap<string, number>;
  readonly until: number;
}

interface Sent {
  readonly taskId: string;
  readonly priority: number;
}

export class WaitingLine {
  readonly #app: App;
  readonly #queue: string;
  readonly #task: string;
  #look: Look | undefined;
  #looking: Promise<Look> | undefined;
  /** Since the last look began. */
  #sent: Sent[] = [];
  /** Of the last look, what has left the queue since. */
  #gone = new Set<string>();
  #slots: { readonly count: number; readonly until: number } | undefined;
  #counting: Promise<number> | undefined;

  constructor(app: App, queue: string, task: string) {
    this.#app = app;
    this.#queue = queue;
    this.#task = task;
  }

  /** `priority` as in the message: the less, the more urgent. */
  sent(taskId: string, priority: number): void {
    this.#sent.push({ taskId, priority });
  }

  /** It was seen to begin or to end. */
  left(taskId: string): void {
    this.#gone.add(taskId);
    this.#sent = this.#sent.filter((each) => each.taskId !== taskId);
  }

  /** @param seconds that one job takes; null: nobody knows */
  async placeOf(taskId: string, seconds: number | null): Promise<NonNullable<Situation["place"]>> {
    const [look, slots] = await Promise.all([this.#current(), this.#countSlots()]);
    const position = this.#counted(look, taskId) ?? this.#behind(look, taskId);
    const startsIn = (before: number) =>
      seconds === null || slots === 0 ? null : Math.round(((before + 0.5) / slots) * seconds * 10) / 10;
    if (position !== undefined) return { position, starts_in_seconds: startsIn(position - 1) };
    if (!look.line.more) return { position: null, starts_in_seconds: null };
    return { position: null, position_over: look.line.looked, starts_in_seconds: null };
  }

  #counted({ positions }: Look, taskId: string): number | undefined {
    const position = positions.get(taskId);
    if (position === undefined || this.#gone.size === 0) return position;
    return position - [...this.#gone].filter((each) => (positions.get(each) ?? position) < position).length;
  }

  /** Of one that was sent after the look: behind all that are as urgent. */
  #behind({ line, positions }: Look, taskId: string): number | undefined {
    const at = this.#sent.findIndex((each) => each.taskId === taskId);
    const { priority } = this.#sent[at] ?? {};
    if (priority === undefined || line.more) return undefined;
    const isBefore = (place: LinePlace) => place.priority <= priority && !this.#gone.has(place.taskId ?? "");
    const before = line.places.filter(isBefore).length;
    const goesBefore = (each: Sent, i: number) => each.priority < priority || (each.priority === priority && i < at);
    return before + this.#sent.filter((each, i) => !positions.has(each.taskId) && goesBefore(each, i)).length + 1;
  }

  async #current(): Promise<Look> {
    if (this.#look !== undefined && performance.now() < this.#look.until) return this.#look;
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<Look> {
    const [began, known, left] = [performance.now(), new Set(this.#sent), [...this.#gone]];
    const line = await this.#app.queues.line(this.#queue, looksAt);
    const took = performance.now() - began;
    const positions = new Map(line.places.flatMap(({ taskId }, i) => (taskId === null ? [] : [[taskId, i + 1] as const])));
    this.#look = { line, positions, until: performance.now() + Math.max(lookEveryMs, took / largestShare) };
    // What was sent before the look is in it, or has left the queue.
    this.#sent = this.#sent.filter((each) => !known.has(each));
    for (const taskId of left) this.#gone.delete(taskId);
    return this.#look;
  }

  async #countSlots(): Promise<number> {
    if (this.#slots !== undefined && performance.now() < this.#slots.until) return this.#slots.count;
    this.#counting ??= this.#countNow().finally(() => {
      this.#counting = undefined;
    });
    return this.#counting;
  }

  /** Of all nodes that take from the queue and know the task. */
  async #countNow(): Promise<number> {
    const { leases } = await this.#app.store();
    const { nodes } = await leases.fleet();
    const fit = nodes.filter(({ info }) => info.queues.includes(this.#queue) && info.tasks.includes(this.#task));
    const count = fit.reduce((sum, { info }) => sum + info.slots, 0);
    this.#slots = { count, until: performance.now() + (count === 0 ? lookEveryMs : fleetEveryMs) };
    return count;
  }
}
