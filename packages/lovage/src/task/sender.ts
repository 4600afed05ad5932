/** What a task or a signature needs of an app to send itself. `task/` and `canvas/` know no more of it. */
import type { Publication } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import type { AsyncResult, GroupResult } from "./async-result.ts";
import type { SendOptions } from "./send-options.ts";

export interface Sender {
  /** The app's name, for error messages. */
  readonly name: string;
  /** Puts `args` in front of its own, gives ids, builds the messages and publishes them. A group gives a GroupResult. */
  apply(signature: Signature, args: readonly unknown[], options?: SendOptions): Promise<AsyncResult | GroupResult>;
  /** The same without publishing, for what a run sends together with its own result. */
  prepare(signature: Signature, args: readonly unknown[], options?: SendOptions): Promise<Prepared>;
}

export interface Prepared {
  readonly publication: Publication;
  readonly children: readonly ResultTuple[];
  readonly handle: AsyncResult | GroupResult;
}
