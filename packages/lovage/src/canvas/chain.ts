import { UsageError } from "../kernel/errors.ts";
import type { Signature } from "../message/task-message.ts";
import type { Args, Complete, OpenAfter, Suffixes } from "../task/call-types.ts";
import { type AnyCanvas, Canvas } from "../task/canvas.ts";
import type { SendOptions } from "../task/send-options.ts";
import { definitionsOf } from "./definitions.ts";
import type { ChainSteps, FirstOpen, LastHandle, LastOut } from "./joints.ts";
import { chainSignature, chainSteps } from "./steps.ts";

/** Steps one after the other; each gets the value of the one before as its first argument. */
export class Chain<Open extends Args = Args, Out = unknown, Handle = unknown> extends Canvas<Open, Out, Handle> {
  protected override with(signature: Signature): this {
    return new Chain(signature, this.madeOf) as this;
  }

  /** A copy whose first step has these arguments in front of its own. */
  clone<const B extends Suffixes<Open>>(args: B, options: SendOptions = {}): Chain<OpenAfter<Open, B>, Out, Handle> {
    return new Chain<OpenAfter<Open, B>, Out, Handle>(this.withArgs(args), this.madeOf).set(options);
  }

  /** The same, whose first step takes nothing from what stands before it. */
  immutable(this: Complete<Open, this, "but it is made immutable with">): Chain<Args, Out, Handle>;
  immutable(): Chain<Args, Out, Handle> {
    return new Chain(this.takingNothing(), this.madeOf);
  }
}

/**
 * `link`s go to its last step, `linkError`s to each of them. A group that another step follows becomes a chord with it.
 * @example await chain(load.s(path), shrink.s(640), store.si(path)).send(app)
 * @throws {UsageError} LOVAGE_SIGNATURE_INVALID without any step.
 */
export function chain<const Steps extends readonly AnyCanvas[]>(
  ...steps: Steps extends ChainSteps<Steps> ? Steps : ChainSteps<Steps>
): Chain<FirstOpen<Steps>, LastOut<Steps>, LastHandle<Steps>> {
  const given = steps as unknown as readonly AnyCanvas[];
  if (given.length === 0)
    throw new UsageError("LOVAGE_SIGNATURE_INVALID", "Cannot make a chain of nothing: give it one step at least, chain(first, second, …).");
  return new Chain(chainSignature(chainSteps(given.map((step) => step.toSignature()))), definitionsOf(given));
}
