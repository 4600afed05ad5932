/** A task as its callers and its workers see it. */
import type { AsyncResult } from "./async-result.ts";
import { boundApps } from "./bindings.ts";
import type { Args, Open, Suffixes } from "./call-types.ts";
import type { SendOptions } from "./send-options.ts";
import type { Sender } from "./sender.ts";
import type { TaskSettings } from "./task-options.ts";
import type { TaskSignature } from "./task-signature.ts";

/** What can be called from afar: a task of one's own, or one known by name only. */
export interface Callable<P extends Args = Args, R = unknown> {
  readonly name: string;
  /** Sends it through the current run's app, else the only app that it belongs to. */
  delay(...args: P): Promise<AsyncResult<R>>;
  /** A signature that binds its last arguments: what comes from the step before is put in front. */
  s<const B extends Suffixes<P>>(...bound: B): TaskSignature<Open<P, B>, R>;
  /** An immutable signature: takes all its arguments now and nothing from the step before. */
  si(...args: P): TaskSignature<Args, R>;
  /** As `delay`, with options. */
  send(args: P, options?: SendOptions): Promise<AsyncResult<R>>;
}

/** `defineTask(…)`: name, handler and settings. */
export interface TaskDefinition<P extends Args = Args, R = unknown> extends Callable<P, R> {
  readonly settings: TaskSettings;
  /** The user's function. With an `input` schema its one argument has passed it. */
  readonly handler: (...args: P) => R | PromiseLike<R>;
  /** Apps created with it and not closed. */
  readonly [boundApps]: Set<Sender>;
}

// biome-ignore lint/suspicious/noExplicitAny: the bound of "any task"; parameters stand in both positions
export type AnyTask = TaskDefinition<any, any>;

/** A task of whichever copy of this package. */
export function isTaskDefinition(value: unknown): value is AnyTask {
  return typeof value === "object" && value !== null && boundApps in value && "handler" in value;
}
