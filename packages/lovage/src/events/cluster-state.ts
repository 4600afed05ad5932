/**
 * The cluster as events tell it: nodes, and the tasks they are at. A fold: what it holds follows from the events it was given and from
 * nothing else, in Celery's order of states, so that monitors of both say the same (celery 5.6 events/state.py; celery-wire.md §9.3).
 * The names of fields are those on the wire; times are seconds since 1970.
 */
import type { ReceivedEvent } from "./receiver.ts";
import { mergeTask, newTask, type TaskRecord } from "./task-record.ts";
import { heard, isAlive, newWorker, updateWorker, type WorkerRecord } from "./worker-record.ts";

export interface ClusterStateOptions {
  /** Beyond it the oldest are forgotten. @defaultValue 10000 */
  readonly maxTasks?: number;
  /** @defaultValue 5000 */
  readonly maxWorkers?: number;
}

export class ClusterState {
  readonly #maxTasks: number;
  readonly #maxWorkers: number;
  readonly #workers = new Map<string, WorkerRecord>();
  readonly #tasks = new Map<string, TaskRecord>();
  readonly #byType = new Map<string, Set<TaskRecord>>();
  #eventCount = 0;
  #taskCount = 0;

  constructor({ maxTasks = 10_000, maxWorkers = 5000 }: ClusterStateOptions = {}) {
    this.#maxTasks = maxTasks;
    this.#maxWorkers = maxWorkers;
  }

  /** By node name; those that went offline too. */
  get workers(): ReadonlyMap<string, Readonly<WorkerRecord>> {
    return this.#workers;
  }

  /** By id, in the order in which they were heard of first. */
  get tasks(): ReadonlyMap<string, Readonly<TaskRecord>> {
    return this.#tasks;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  /** Tasks received so far, forgotten ones included. */
  get taskCount(): number {
    return this.#taskCount;
  }

  /** Names of tasks, in order. */
  get taskTypes(): readonly string[] {
    return [...this.#byType.keys()].sort();
  }

  tasksOfType(name: string): readonly Readonly<TaskRecord>[] {
    return [...(this.#byType.get(name) ?? [])];
  }

  /** Those whose last event is newest, newest first. */
  latestTasks(limit = this.#maxTasks): readonly Readonly<TaskRecord>[] {
    const newestFirst = [...this.#tasks.values()].sort((a, b) => b.timestamp - a.timestamp || b.clock - a.clock);
    return newestFirst.slice(0, limit);
  }

  /** Those heard of within twice the time between their heartbeats. */
  aliveWorkers(nowSeconds: number = Date.now() / 1000): readonly Readonly<WorkerRecord>[] {
    return [...this.#workers.values()].filter((worker) => isAlive(worker, nowSeconds));
  }

  /** What is not whole is passed over, as is what is neither of a node nor of a task. */
  apply(event: ReceivedEvent): void {
    this.#eventCount += 1;
    const { type, hostname, timestamp } = event;
    if (typeof hostname !== "string" || typeof timestamp !== "number") return;
    const dash = type.indexOf("-");
    const subject = type.slice(dash + 1);
    if (type.startsWith("worker-")) this.#ofWorker(subject, event);
    else if (type.startsWith("task-") && typeof event.uuid === "string") this.#ofTask(subject, event, event.uuid);
  }

  #ofWorker(subject: string, event: ReceivedEvent): void {
    const known = this.#workers.get(event.hostname);
    if (known === undefined && subject === "offline") return;
    updateWorker(known ?? this.#addWorker(event.hostname), subject, event);
  }

  #ofTask(subject: string, event: ReceivedEvent, uuid: string): void {
    const { hostname, timestamp } = event;
    const task = this.#tasks.get(uuid) ?? this.#addTask(uuid);
    if (subject === "sent") task.client = hostname;
    else {
      task.worker = hostname;
      heard(this.#workers.get(hostname) ?? this.#addWorker(hostname), timestamp);
    }
    if (subject === "received") this.#taskCount += 1;
    const { name } = task;
    mergeTask(task, subject, event);
    if (task.name !== name) this.#index(task, name);
  }

  #addWorker(hostname: string): WorkerRecord {
    forgetOldest(this.#workers, this.#maxWorkers);
    const worker = newWorker(hostname);
    this.#workers.set(hostname, worker);
    return worker;
  }

  #addTask(uuid: string): TaskRecord {
    const gone = forgetOldest(this.#tasks, this.#maxTasks);
    if (gone !== undefined) this.#unindex(gone, gone.name);
    const task = newTask(uuid);
    this.#tasks.set(uuid, task);
    return task;
  }

  #index(task: TaskRecord, formerName: string | null): void {
    this.#unindex(task, formerName);
    if (task.name === null) return;
    const those = this.#byType.get(task.name);
    if (those === undefined) this.#byType.set(task.name, new Set([task]));
    else those.add(task);
  }

  #unindex(task: TaskRecord, name: string | null): void {
    if (name === null) return;
    const those = this.#byType.get(name);
    those?.delete(task);
    if (those?.size === 0) this.#byType.delete(name);
  }
}

/** Makes room for one more. Returns what was forgotten. */
function forgetOldest<T>(records: Map<string, T>, most: number): T | undefined {
  if (records.size < most) return undefined;
  const [oldest] = records;
  if (oldest === undefined) return undefined;
  records.delete(oldest[0]);
  return oldest[1];
}
