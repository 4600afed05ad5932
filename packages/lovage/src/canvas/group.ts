import { UsageError } from "../kernel/errors.ts";
import type { Signature } from "../message/task-message.ts";
import type { GroupResult } from "../task/async-result.ts";
import type { Args, Complete, OpenAfter, Suffixes } from "../task/call-types.ts";
import { type AnyCanvas, Canvas, type LinkOption } from "../task/canvas.ts";
import type { SendOptions } from "../task/send-options.ts";
import { type SignatureLike, signatureJson } from "../task/signature-like.ts";
import { definitionsOf } from "./definitions.ts";
import type { Outs, SharedOpen } from "./joints.ts";
import { asList, chainSignature, groupSignature, linked, tasksOf } from "./steps.ts";

/** Members side by side; its value is the list of theirs, in order. */
// biome-ignore lint/suspicious/noExplicitAny: a bare `Group` is any group
export class Group<Open extends Args = any, Out extends readonly unknown[] = readonly unknown[]> extends Canvas<
  Open,
  Out,
  GroupResult<Out>
> {
  protected override with(signature: Signature): this {
    return new Group(signature, this.madeOf) as this;
  }

  /** A copy whose members have these arguments in front of their own. */
  clone<const B extends Suffixes<Open>>(args: B, options: SendOptions = {}): Group<OpenAfter<Open, B>, Out> {
    return new Group<OpenAfter<Open, B>, Out>(this.withArgs(args), this.madeOf).set(options);
  }

  /** The same, whose members take nothing from the step before it. */
  immutable(this: Complete<Open, this, "but it is made immutable with">): Group<Args, Out>;
  immutable(): Group<Args, Out> {
    return new Group(this.takingNothing(), this.madeOf);
  }

  override set({ link, linkError, ...options }: SendOptions): this {
    const own = super.set(options);
    return link === undefined && linkError === undefined ? own : own.with(linkedGroup(own.signature, list(link), list(linkError)));
  }

  /** As in Celery a link goes to the first member alone: what follows all of them is a chord's body. Errbacks go to every member. */
  protected override linked(option: LinkOption, added: readonly Signature[]): Signature {
    return option === "link" ? linkedGroup(this.signature, added, []) : linkedGroup(this.signature, [], added);
  }
}

/**
 * @example const results = await (await group(paths.map((path) => load.s(path))).send(app)).get();
 */
export function group<const Members extends readonly AnyCanvas[]>(members: Members): Group<SharedOpen<Members>, Outs<Members>>;
export function group<const Members extends readonly AnyCanvas[]>(...members: Members): Group<SharedOpen<Members>, Outs<Members>>;
export function group(...given: readonly (AnyCanvas | readonly AnyCanvas[])[]): Group {
  const members = given.flat() as readonly AnyCanvas[];
  return new Group(groupSignature(members.map((member) => member.toSignature())), definitionsOf(members));
}

const list = (given: SignatureLike | readonly SignatureLike[] | undefined) =>
  asList(given as SignatureLike | readonly SignatureLike[]).map(signatureJson);

/** A group has no end of its own that could call anybody (celery-wire.md §6.5). @throws {UsageError} LOVAGE_SIGNATURE_INVALID */
export function linkedGroup(group: Signature, next: readonly Signature[], errbacks: readonly Signature[]): Signature {
  const [first, ...others] = tasksOf(group);
  if (first === undefined && next.length === 0) return group;
  if (first === undefined) throw new UsageError("LOVAGE_SIGNATURE_INVALID", "Cannot link to an empty group: it has no member to call it.");
  const frozen = next.map((each) => ({ ...each, immutable: true }));
  const tasks = [linkedPart(first, "link", frozen), ...others].map((task) => linkedPart(task, "link_error", errbacks));
  return { ...group, kwargs: { ...group.kwargs, tasks } };
}

function linkedPart(task: Signature, option: LinkOption, added: readonly Signature[]): Signature {
  if (added.length === 0) return task;
  if (task.subtask_type !== "group") return linked([task], { ...chainSignature([]), options: { [option]: added } })[0] ?? task;
  return option === "link" ? linkedGroup(task, added, []) : linkedGroup(task, [], added);
}
