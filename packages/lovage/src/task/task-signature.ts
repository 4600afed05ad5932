/** One task with arguments and options, not yet sent. */
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import type { AsyncResult } from "./async-result.ts";
import type { Args } from "./call-types.ts";
import { Canvas } from "./canvas.ts";
import type { Sender } from "./sender.ts";

export class TaskSignature<Open extends Args = Args, Out = unknown> extends Canvas<Open, Out, AsyncResult<Out>> {
  protected override with(signature: Signature): this {
    return new TaskSignature(signature, this.apps) as this;
  }
}

export function taskSignature<Open extends Args, Out>(
  task: { readonly name: string },
  args: readonly unknown[],
  immutable: boolean,
  apps: ReadonlySet<Sender> | undefined,
  options: SignatureOptions = {},
): TaskSignature<Open, Out> {
  return new TaskSignature({ task: task.name, args, kwargs: {}, options, subtask_type: null, immutable }, apps);
}
