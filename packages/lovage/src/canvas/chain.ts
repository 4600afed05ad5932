import type { Signature } from "../message/task-message.ts";
import type { Args } from "../task/call-types.ts";
import { type AnyCanvas, Canvas } from "../task/canvas.ts";
import { appsOf } from "./common-apps.ts";
import type { ChainSteps, FirstOpen, HandleOf, LastOut } from "./joints.ts";
import { chainSignature } from "./steps.ts";

/** Steps one after the other; each gets the value of the one before as its first argument. */
export class Chain<Open extends Args = Args, Out = unknown, Handle = unknown> extends Canvas<Open, Out, Handle> {
  protected override with(signature: Signature): this {
    return new Chain(signature, this.apps) as this;
  }
}

/**
 * @example await chain(load.s(path), shrink.s(640), store.si(path)).send(app)
 */
export function chain<const Steps extends readonly AnyCanvas[]>(
  ...steps: Steps extends ChainSteps<Steps> ? Steps : ChainSteps<Steps>
): Chain<FirstOpen<Steps>, LastOut<Steps>, HandleOf<Steps>> {
  const given = steps as unknown as readonly AnyCanvas[];
  return new Chain(chainSignature(given.map((step) => step.toSignature())), appsOf(given));
}
