/** One task with arguments and options, not yet sent. */
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import type { AsyncResult } from "./async-result.ts";
import type { Args, Complete, OpenAfter, Suffixes } from "./call-types.ts";
import { Canvas } from "./canvas.ts";
import type { SendOptions } from "./send-options.ts";
import type { Definitions } from "./sender.ts";

export class TaskSignature<Open extends Args = Args, Out = unknown> extends Canvas<Open, Out, AsyncResult<Out>> {
  protected override with(signature: Signature): this {
    return new TaskSignature(signature, this.madeOf) as this;
  }

  /** A copy with these arguments in front of its own, and these options over its own. */
  clone<const B extends Suffixes<Open>>(args: B, options: SendOptions = {}): TaskSignature<OpenAfter<Open, B>, Out> {
    return new TaskSignature<OpenAfter<Open, B>, Out>(this.withArgs(args), this.madeOf).set(options);
  }

  /** The same, taking nothing from the step before it. */
  immutable(this: Complete<Open, this, "but it is made immutable with">): TaskSignature<Args, Out>;
  immutable(): TaskSignature<Args, Out> {
    return new TaskSignature(this.takingNothing(), this.madeOf);
  }
}

export function taskSignature<Open extends Args, Out>(
  task: { readonly name: string },
  args: readonly unknown[],
  immutable: boolean,
  definitions: Definitions,
  options: SignatureOptions = {},
): TaskSignature<Open, Out> {
  return new TaskSignature({ task: task.name, args, kwargs: {}, options, subtask_type: null, immutable }, definitions);
}
