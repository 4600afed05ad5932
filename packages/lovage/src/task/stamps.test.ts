/** Stamps by a visitor, and stamps that meet others; what Python makes of the same is in `interop/stamps.test.ts`. */
import { describe, expect, it } from "vitest";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { asList, bodyOf, groupSignature, headerOf, tasksOf } from "../canvas/steps.ts";
import type { Signature } from "../message/task-message.ts";
import { remoteTask } from "./remote-task.ts";
import type { StampingVisitor } from "./stamping-visitor.ts";
import { stamped } from "./stamps.ts";

const task = (name: string) => remoteTask<readonly unknown[]>(name).s();
const stampsOf = (canvas: { toSignature(): Signature } | Signature | null | undefined) => {
  const { options } = canvas && "toSignature" in canvas ? canvas.toSignature() : (canvas as Signature);
  return Object.fromEntries((options.stamped_headers ?? []).map((name) => [name, options[name]]));
};

describe("a stamp that meets another", () => {
  const twice = (first: unknown, second: unknown, append: boolean) =>
    stampsOf(task("t").stamp({ a: first }).stamp({ a: second }, { append })).a;
  it.each([
    [1, 2, false, 2],
    [1, 2, true, [2, 1]],
    [[1], 2, true, [2, 1]],
    [1, [2], true, [2, 1]],
    [[1], [2], false, [2, 1]],
    [[1], 2, false, 2],
    [null, 2, true, [2]],
  ])("%j, then %j, appended: %s", (first, second, append, expected) => {
    expect(twice(first, second, append)).toEqual(expected);
  });
  it("on a part and from above: what comes from above stays", () => {
    const [first] = tasksOf(chain(task("a").stamp({ s: "own", t: 1 }), task("b")).stamp({ s: "above" }).toSignature()); // biome-ignore format: one line
    expect(stampsOf(first)).toEqual({ s: "above", t: 1 });
  });
});

describe("a visitor", () => {
  const said: string[] = [];
  const saying = (name: string) => (part: Signature) => {
    said.push(`${name} ${part.task}`);
    return { [name]: part.task };
  };
  const visitor: StampingVisitor = {
    onSignature: saying("signature"),
    onChainStart: saying("inChain"),
    onChainEnd: saying("chain end"),
    onGroupStart: saying("group"),
    onGroupEnd: saying("group end"),
    onChordBody: saying("body"),
    onCallback: saying("callback"),
    onErrback: saying("errback"),
  };

  it("stamps each task with what it says of it and of all above it", () => {
    const [a, joined] = tasksOf(chain(task("a").link(task("l")), chord([task("b")], task("c"))).linkError(task("e")).stamp(visitor).toSignature()); // biome-ignore format: one line
    expect(stampsOf(a)).toEqual({ inChain: "celery.chain", signature: "a" });
    expect(stampsOf(asList((a as Signature).options.link)[0])).toEqual({ inChain: "celery.chain", callback: "l", signature: "l" });
    const inChord = { inChain: "celery.chain", group: "celery.group" };
    expect(stampsOf(tasksOf(headerOf(joined as Signature))[0])).toEqual({ ...inChord, signature: "b" });
    expect(stampsOf(bodyOf(joined as Signature))).toEqual({ ...inChord, body: "celery.chord", signature: "c" });
    expect(said.splice(0)).toEqual([
      ...["inChain celery.chain", "errback e", "signature e", "callback l", "signature l", "signature a"],
      ...["group celery.group", "signature b", "group end celery.group", "body celery.chord", "signature c", "chain end celery.chain"],
    ]);
  });
  it("may speak of a chord's header in place of the group", () => {
    const header: StampingVisitor = { ...visitor, onChordHeaderStart: saying("header"), onChordHeaderEnd: saying("header end") };
    const whole = chord([task("b")], task("c"))
      .stamp(header)
      .toSignature();
    expect(stampsOf(tasksOf(headerOf(whole))[0])).toEqual({ header: "celery.chord", signature: "b" });
    expect(said.splice(0)).toContain("header end celery.chord");
  });
  it("is told what comes from above, which stays where it says the same", () => {
    const told: unknown[] = [];
    const one: StampingVisitor = { onSignature: (_, stamps) => ({ a: 2, b: told.push(stamps) }) };
    const [member] = tasksOf(group(task("t")).stamp(one, { stamps: { a: 1 } }).toSignature()); // biome-ignore format: one line
    expect([told, stampsOf(member)]).toEqual([[{ a: 1 }], { a: 1, b: 1 }]);
  });
  it("cannot take the name of an option either", () => {
    expect(() => task("t").stamp({ onSignature: () => ({ queue: "q" }) })).toThrow(
      expect.objectContaining({ code: "LOVAGE_SEND_OPTIONS_INVALID" }),
    );
  });
  it("reaches maps and chunks, also those that Python composed", () => {
    const chunks: Signature = { ...task("celery.chunks").toSignature(), subtask_type: "chunks" };
    const [member] = tasksOf(stamped(groupSignature([chunks]), { a: 1 }));
    expect(stampsOf(member)).toEqual({ a: 1 });
  });
});
