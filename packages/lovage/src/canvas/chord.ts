import type { Signature } from "../message/task-message.ts";
import type { AsyncResult } from "../task/async-result.ts";
import type { Args, Complete, OpenAfter, Suffixes } from "../task/call-types.ts";
import { type AnyCanvas, Canvas, type HandleOf, type LinkOption, type OutOf } from "../task/canvas.ts";
import type { SendOptions } from "../task/send-options.ts";
import { definitionsOf } from "./definitions.ts";
import type { Group } from "./group.ts";
import type { ChordBody, HeaderOpen, HeaderOuts } from "./joints.ts";
import { chainSignature, chordSignature, linked, tasksOf } from "./steps.ts";

/** A header of tasks side by side, and a body that gets the list of their results as its first argument. */
export class Chord<Open extends Args = Args, Out = unknown, Handle = AsyncResult<Out>> extends Canvas<Open, Out, Handle> {
  protected override with(signature: Signature): this {
    return new Chord(signature, this.madeOf) as this;
  }

  /** A copy whose header's tasks have these arguments in front of their own. */
  clone<const B extends Suffixes<Open>>(args: B, options: SendOptions = {}): Chord<OpenAfter<Open, B>, Out, Handle> {
    return new Chord<OpenAfter<Open, B>, Out, Handle>(this.withArgs(args), this.madeOf).set(options);
  }

  /** The same, whose header takes nothing from the step before it; its body still takes the header's results. */
  immutable(this: Complete<Open, this, "but it is made immutable with">): Chord<Args, Out, Handle>;
  immutable(): Chord<Args, Out, Handle> {
    return new Chord(this.takingNothing(), this.madeOf);
  }

  /** On the body at once, as Python writes it: a chord that says `link` itself is refused there when it stands in a link. */
  protected override linked(option: LinkOption, added: readonly Signature[]): Signature {
    const [chord] = linked([this.signature], { ...chainSignature([]), options: { [option]: added } });
    return chord ?? this.signature;
  }
}

/**
 * Results stand in the order of the header; an empty header starts the body at once with an empty list. If a member
 * fails, the body does not run: it ends as `ChordError`, and its `linkError`s are sent.
 * @example await chord(tiles.map((tile) => detect.s(id, tile)), total.s(id)).send(app)
 */
export function chord<const Header extends readonly AnyCanvas[] | Group, Body extends AnyCanvas>(
  header: Header,
  body: Body extends ChordBody<HeaderOuts<Header>, Body> ? Body : ChordBody<HeaderOuts<Header>, Body>,
): Chord<HeaderOpen<Header>, OutOf<Body>, HandleOf<Body>> {
  const end = body as AnyCanvas;
  const members = isList(header) ? header.map((member) => member.toSignature()) : tasksOf(header.toSignature());
  return new Chord(chordSignature(members, end.toSignature()), definitionsOf([...(isList(header) ? header : [header as AnyCanvas]), end]));
}

const isList = (header: readonly AnyCanvas[] | Group): header is readonly AnyCanvas[] => Array.isArray(header);
