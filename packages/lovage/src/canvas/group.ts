import type { Signature } from "../message/task-message.ts";
import type { GroupResult } from "../task/async-result.ts";
import type { Args } from "../task/call-types.ts";
import { type AnyCanvas, Canvas } from "../task/canvas.ts";
import { appsOf } from "./common-apps.ts";
import type { Outs, SharedOpen } from "./joints.ts";
import { groupSignature } from "./steps.ts";

/** Members side by side; its value is the list of theirs, in order. */
// biome-ignore lint/suspicious/noExplicitAny: a bare `Group` is any group
export class Group<Open extends Args = any, Out extends readonly unknown[] = readonly unknown[]> extends Canvas<
  Open,
  Out,
  GroupResult<Out>
> {
  /** Told to the type checker, so that a chain that ends in a group gives a GroupResult. */
  declare readonly endsInGroup: true;

  protected override with(signature: Signature): this {
    return new Group(signature, this.apps) as this;
  }
}

/**
 * @example const results = await (await group(paths.map((path) => load.s(path))).send(app)).get();
 */
export function group<const Members extends readonly AnyCanvas[]>(members: Members): Group<SharedOpen<Members>, Outs<Members>>;
export function group<const Members extends readonly AnyCanvas[]>(...members: Members): Group<SharedOpen<Members>, Outs<Members>>;
export function group(...given: readonly (AnyCanvas | readonly AnyCanvas[])[]): Group {
  const members = given.flat() as readonly AnyCanvas[];
  return new Group(groupSignature(members.map((member) => member.toSignature())), appsOf(members));
}
