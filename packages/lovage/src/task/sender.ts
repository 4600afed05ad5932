/** What a task or a signature needs of an app to send itself. `task/` and `canvas/` know no more of it. */
import type { Publication } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import type { AsyncResult, GroupResult } from "./async-result.ts";
import type { SendOptions } from "./send-options.ts";

export interface Sender {
  /** The app's name, for error messages. */
  readonly name: string;
  /** Gives ids, builds the messages and publishes them. A group gives a GroupResult. */
  apply(call: Call, options?: SendOptions): Promise<AsyncResult | GroupResult>;
  /** The same without publishing, for what a run sends together with its own result. */
  prepare(call: Call, options?: SendOptions): Promise<Prepared>;
}

/** On every task definition: the apps that were created with it and are not closed. */
export const boundApps: unique symbol = Symbol.for("lovage.task.apps") as never;

export interface Bindable {
  readonly name: string;
  readonly [boundApps]: Set<Sender>;
}

/** What a call or composition is made of, as far as one knows: remote tasks have no definition here. */
export type Definitions = ReadonlySet<Bindable>;

export interface Call {
  readonly signature: Signature;
  /** In front of the signature's own. */
  readonly args: readonly unknown[];
  /** Of its tasks, where the caller has them: its app need not list them. */
  readonly definitions?: Iterable<Bindable> | undefined;
}

export interface Prepared {
  readonly publication: Publication;
  readonly children: readonly ResultTuple[];
  readonly handle: AsyncResult | GroupResult;
}
