/** A task as its callers and its workers see it. */
import type { AsyncResult } from "./async-result.ts";
import type { Args, Mismatch, Named, Names, Open, OpenBefore, Suffixes } from "./call-types.ts";
import type { SendOptions } from "./send-options.ts";
import { boundApps, type Sender } from "./sender.ts";
import type { TaskSettings } from "./task-options.ts";
import type { TaskSignature } from "./task-signature.ts";

declare const parameters: unique symbol;

/** What can be called from afar: a task of one's own, or one known by name only. */
export interface Callable<P extends Args = Args, R = unknown, N extends Names = Names> {
  readonly name: string;
  /** Only for the type checker. */
  readonly [parameters]?: N;
  /** Sends it through the current run's app, else the only app that it belongs to. */
  delay(...args: P): Promise<AsyncResult<R>>;
  /** A signature that binds its last arguments: what comes from the step before is put in front. */
  s<const B extends Suffixes<P>>(...bound: B): TaskSignature<Open<P, B>, R>;
  /** A signature that binds arguments by name; what comes from outside is put in front of all of them. */
  kw<This extends Parts, const K extends NamedBy<This>>(
    this: This,
    bound: K & {
      readonly [X in Exclude<keyof K, keyof NamedBy<This>>]: Mismatch<"the parameters are", keyof NamedBy<This>, "but one is named", X>;
    },
  ): KwSignature<This, keyof K>;
  /** An immutable signature: takes all its arguments now and nothing from the step before. */
  si(...args: P): TaskSignature<Args, R>;
  /** As `delay`, with options. */
  send(args: P, options?: SendOptions): Promise<AsyncResult<R>>;
}

/** A task as `kw` looks at it: not by `Callable`'s own parameters, which would be compared wherever two tasks are. */
interface Parts {
  readonly [parameters]?: Names;
  delay(...args: Args): Promise<AsyncResult>;
}
type NamedBy<T> = T extends { readonly [parameters]?: infer N extends Names; delay(...args: infer P): unknown } ? Named<P, N> : never;
type KwSignature<T, K> = T extends { readonly [parameters]?: infer N extends Names; delay(...args: infer P): Promise<AsyncResult<infer R>> }
  ? OpenBefore<P, N, K> extends infer O extends Args
    ? TaskSignature<O, R>
    : never
  : never;

/** `defineTask(…)`: name, handler and settings. */
export interface TaskDefinition<P extends Args = Args, R = unknown, N extends Names = Names> extends Callable<P, R, N> {
  readonly settings: TaskSettings;
  /** The user's function. With an `input` schema its one argument has passed it. */
  readonly handler: (...args: P) => R | PromiseLike<R>;
  /** Apps created with it and not closed. */
  readonly [boundApps]: Set<Sender>;
}

// biome-ignore lint/suspicious/noExplicitAny: the bound of "any task"; parameters stand in both positions
export type AnyTask = TaskDefinition<any, any, any>;

/** A task of whichever copy of this package. */
export function isTaskDefinition(value: unknown): value is AnyTask {
  return typeof value === "object" && value !== null && boundApps in value && "handler" in value;
}
