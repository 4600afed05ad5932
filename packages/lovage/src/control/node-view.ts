/**
 * What remote control knows of a node, by topic. `worker/supervisor/` makes it; all of it is answered without a word from user
 * code, but for the commands that are the user's own.
 */
import type { NodeEvents } from "../events/node-events.ts";
import type { TaskMessage } from "../message/task-message.ts";

export interface NodeView {
  readonly nodeName: string;
  readonly facts: NodeFacts;
  readonly work: NodeWork;
  readonly tasks: NodeTasks;
  readonly pool: NodePool;
  readonly queues: NodeQueues;
  readonly refusals: NodeRefusals;
  readonly events: NodeEvents;
  readonly custom: CustomCommands;
  /** Warm: what runs may finish. */
  shutdown(): void;
}

/** Answers are Celery's documents, as far as they are the same for all pools (celery-wire.md §10.4). */
export interface NodeFacts {
  stats(): Promise<Readonly<Record<string, unknown>>>;
  /** Settings under Celery's names; secrets are stars. */
  settings(options: { readonly withDefaults: boolean }): Readonly<Record<string, unknown>>;
  /** Text for whoever is asked for help. */
  report(): Promise<string>;
  /** Bytes of the supervisor's process. */
  memory(): number;
}

/** A message that the node has, and not begun. */
export interface ReservedTask {
  readonly message: TaskMessage;
  readonly ackedEarly: boolean;
}

/** A run that has begun, as the slot tables and the in-flight records tell it. */
export interface ActiveRun extends ReservedTask {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly workerPid: number | null;
}

/** A message that is not due. */
export interface ScheduledTask extends ReservedTask {
  /** Milliseconds since 1970. */
  readonly dueAt: number;
}

export interface NodeWork {
  active(): Promise<readonly ActiveRun[]>;
  /** Received and not begun, and what waits for a rate of this node. */
  reserved(): Promise<readonly ReservedTask[]>;
  /** The next ones that are due, not without end. */
  scheduled(): Promise<readonly ScheduledTask[]>;
}

/** Seconds; null: none. */
export interface TimeLimits {
  readonly hard: number | null;
  readonly soft: number | null;
}

export interface NodeTasks {
  /** All tasks by name, with their attributes under Celery's names; null: not set. */
  registered(): ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Of this node, until it ends. `rate`: as Celery writes it; null: none. False: there is no such task. */
  limitRate(task: string, rate: number | string | null): Promise<boolean>;
  /** For runs that begin from now on. False: there is no such task. */
  limitTime(task: string, limits: TimeLimits): Promise<boolean>;
}

export interface NodePool {
  /** It keeps its size between two by itself. */
  readonly scales: boolean;
  /** Tasks at a time: more, or fewer with a negative number. Rejects where the pool has one size. */
  grow(by: number): Promise<void>;
  /** undefined: it does not scale. */
  autoscale(range: { readonly max?: number; readonly min?: number }): Promise<{ readonly max: number; readonly min: number } | undefined>;
  /** False: it is not allowed to. */
  restart(): boolean;
}

/** A queue and how it is bound. */
export interface ConsumedQueue {
  readonly name: string;
  readonly exchange: string;
  /** "direct", "topic" or "fanout". */
  readonly exchangeType: string;
  readonly routingKey: string;
}

export interface NodeQueues {
  consumed(): readonly ConsumedQueue[];
  /** Resolves when Python's publishers find it. */
  add(queue: {
    readonly name: string;
    readonly exchange?: string;
    readonly exchangeType?: string;
    readonly routingKey?: string;
  }): Promise<void>;
  cancel(name: string): void;
}

/** Tasks that must not start any more, and stop if they run. */
export interface Refusal {
  readonly by: "id" | "stamp";
  readonly value: string | { readonly name: string; readonly value: unknown };
  readonly terminate: boolean;
  /** As the caller named it; undefined: not at all. */
  readonly signal: string | undefined;
}

export interface NodeRefusals {
  /** For all nodes and for good: it does not matter which node heard of it. */
  revoke(refusals: readonly Refusal[]): Promise<void>;
  /** Ids that stand, the newest `limit` of them. */
  ids(limit: number): Promise<readonly string[]>;
}

/** What the app's own commands answer, from where user code may run. */
export interface CustomCommands {
  has(name: string): boolean;
  /** @throws what the user's function throws, and when no runner can be asked. */
  run(name: string, args: Readonly<Record<string, unknown>>): Promise<unknown>;
}
