/** An app: settings, tasks and one lazily opened store, seen from producers and from workers. */
import type { StateStore } from "../broker/state-store.ts";
import type { ExecutionContext } from "../execution/execution-context.ts";
import type { Facts } from "../execution/facts.ts";
import type { Logger } from "../kernel/logger.ts";
import type { DeliveryId } from "../message/commit.ts";
import type { QueueName, TaskId, TaskMessage } from "../message/task-message.ts";
import type { Store } from "../store/store.ts";
import type { AsyncResult, GroupResult } from "../task/async-result.ts";
import type { AnyCanvas, Canvas } from "../task/canvas.ts";
import type { Registry } from "../task/registry.ts";
import type { SendOptions } from "../task/send-options.ts";
import type { Sender } from "../task/sender.ts";
import type { Callable } from "../task/task-definition.ts";
import type { ResolvedConfig } from "./config.ts";
import type { AppControl } from "./control.ts";
import type { ResolvedCommand } from "./control-commands.ts";
import type { AppDeadLetters } from "./dead-letters.ts";
import type { AppEvents } from "./events.ts";
import type { Explanation } from "./explain/explain.ts";
import type { AppQueues } from "./queues.ts";
import type { AppRevokeOptions, Met, RevokeTarget } from "./revoking.ts";
import type { SeenTransition } from "./transitions.ts";

/** What a runner says about a delivery that has ended, to get the facts of its commit. */
export interface Ended {
  readonly message: TaskMessage;
  readonly delivery: DeliveryId;
  readonly queue: QueueName;
  readonly nodeName: string;
  readonly runtimeMs?: number;
}

/** Runs tasks in this process while the broker is away: `inlineFallback()` of "lovage/worker". */
export interface InlineFallback {
  /** Serves `twin`, the app on a store in this process's memory. Resolves when it takes work. */
  serve(twin: App): Promise<{ close(): Promise<void> }>;
}

/** What waits on this machine for the broker. */
export interface SpoolStatus {
  /** Publications: a send, a sendMany or a canvas each. */
  readonly waiting: number;
  /** When the oldest of them was kept. */
  readonly oldest: Date | null;
  /** Publications that the broker will never take; they stay in the spool's store. */
  readonly refused: number;
}

export interface AppSpool {
  status(): Promise<SpoolStatus>;
  /** Sends what is kept; resolves when nothing is. Goes on trying while the broker is away, until `signal` aborts. */
  replay(signal?: AbortSignal): Promise<void>;
  /** Publications that were kept and that this process has sent. What several send at once, one of them counts. */
  readonly replayed: number;
}

export interface App extends Sender {
  readonly name: string;
  readonly config: ResolvedConfig;
  readonly registry: Registry;
  readonly controlCommands: ReadonlyMap<string, ResolvedCommand>;
  /** Shared, opened at the first call. @throws {BrokerUnavailableError, ConfigError} */
  store(): Promise<Store>;
  /** The state store: of the broker's server unless `state` names another. */
  state(): Promise<StateStore>;

  send<P extends readonly unknown[], R>(task: Callable<P, R>, args: NoInfer<P>, options?: SendOptions): Promise<AsyncResult<R>>;
  send<O extends readonly unknown[], R, H>(canvas: Canvas<O, R, H>, options?: SendOptions): Promise<H>;
  send(task: string, args?: readonly unknown[], options?: SendOptions): Promise<AsyncResult>;
  /** All in one publication: either all are accepted or none. Results in the same order. */
  sendMany<P extends readonly unknown[], R>(
    task: Callable<P, R>,
    calls: readonly NoInfer<P>[],
    options?: SendOptions,
  ): Promise<AsyncResult<R>[]>;
  sendMany(canvases: readonly AnyCanvas[], options?: SendOptions): Promise<(AsyncResult | GroupResult)[]>;

  /** Questions and commands to running nodes, Python's too. */
  readonly control: AppControl;
  /** Messages that were given up: to look at, replay, edit and discard. */
  readonly deadLetters: AppDeadLetters;
  /** What waits where: to look at, move, remove and hold back. */
  readonly queues: AppQueues;
  /**
   * Why a task is not running, or where it runs: reads every queue and asks the nodes, so it is for people.
   * @defaultValue timeoutMs 1000, for nodes to answer
   */
  explain(id: TaskId, options?: { readonly timeoutMs?: number }): Promise<Explanation>;
  /** With `publishFallback: "spool"`; else null. */
  readonly spool: AppSpool | null;

  /**
   * What becomes of tasks, as the commits tell it: complete and in order, resumable by `after`. Endless; needs
   * `transitionsKept` at the workers. @param after the id of the last one seen; "" for all that are kept; absent: from now on
   */
  transitions(options: { readonly after?: string; readonly signal: AbortSignal }): AsyncIterable<SeenTransition>;

  /** What nodes and clients say: events of Celery's kinds, Python's too. */
  readonly events: AppEvents;

  result<R = unknown>(id: TaskId): AsyncResult<R>;
  /** A group that was saved. undefined: none under this id. */
  groupResult(id: string): Promise<GroupResult | undefined>;
  /**
   * Refuses tasks from now on, those that are sent later too: by id, or all that have a root, a tag, a correlation id or a stamp
   * in common. Known to every worker for seven days, also to those that are down. `dryRun`, `count`: how many it meets now.
   * @throws {UsageError} LOVAGE_REVOKE_INVALID
   */
  revoke(what: TaskId | readonly TaskId[] | RevokeTarget, options: AppRevokeOptions & ({ dryRun: true } | { count: true })): Promise<Met>;
  revoke(what: TaskId | readonly TaskId[] | RevokeTarget, options?: AppRevokeOptions): Promise<Met | undefined>;

  /** Settings that the command line overrides: over all other sources. Only before the store is opened. */
  configure(flags: Readonly<Record<string, unknown>>): void;
  /** Where faults of its stores go that mend themselves (a lost connection), instead of process warnings; the option `onFault` stays. */
  logFaults(log: Logger): void;
  /** The app's and its tasks' `setup` hooks, in order; once per runner. */
  setup(): Promise<void>;
  /** The `teardown` hooks, in reverse order. Each is tried; the first error is thrown at the end. */
  teardown(): Promise<void>;
  readonly execution: ExecutionContext;
  facts(ended: Ended): Facts;
  /** Lets go of the store and of its tasks. Idempotent. */
  close(): Promise<void>;
}
