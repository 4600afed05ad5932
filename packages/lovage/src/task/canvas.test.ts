/** What signatures and compositions become under Celery's operations, as the dictionaries that travel. */
import { describe, expect, it } from "vitest";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { group } from "../canvas/group.ts";
import { chunks, map } from "../canvas/map.ts";
import { headerOf, tasksOf } from "../canvas/steps.ts";
import type { Signature } from "../message/task-message.ts";
import { remoteTask } from "./remote-task.ts";

// biome-ignore lint/suspicious/noExplicitAny: the types have tests of their own
type Any = any;
const add = remoteTask<Any[], number>("t.add");
const sum = remoteTask<Any[], number>("t.sum");
const note = remoteTask<Any[], null>("t.note");

const parts = (canvas: { toSignature(): Signature }) => {
  const signature = canvas.toSignature();
  return tasksOf(signature.subtask_type === "chord" ? headerOf(signature) : signature);
};
const names = (links: unknown) => (links as readonly Signature[] | undefined)?.map(({ task }) => task);

describe("a copy", () => {
  it("has the new arguments in front, the new options over the old ones, and leaves the original alone", () => {
    const original = add.s(2).set({ queue: "slow", priority: 3 });
    const copy = original.clone([1], { queue: "fast", kwargs: { z: 3 } }).toSignature();
    expect(copy).toMatchObject({ args: [1, 2], kwargs: { z: 3 }, options: { queue: "fast", priority: 3 } });
    expect(original.toSignature()).toMatchObject({ args: [2], kwargs: {}, options: { queue: "slow" } });
  });
  it("of a composition gives them to the tasks that take its input", () => {
    expect(parts(chain(add.s(2), add.s(3)).clone([1])).map(({ args }) => args)).toEqual([[1, 2], [3]]);
    expect(parts(group(add.s(2), chain(add.s(3), add.s(4))).clone([1])).map(({ args, kwargs }) => [args, kwargs.tasks])).toMatchObject([
      [[1, 2], undefined],
      [[], [{ args: [1, 3] }, { args: [4] }]],
    ]);
    const joined = chord([add.s(2)], sum.s(9)).clone([1], { kwargs: { z: 1 } });
    expect(parts(joined)).toMatchObject([{ args: [1, 2], kwargs: { z: 1 } }]);
    expect(joined.toSignature().kwargs.body).toMatchObject({ args: [9], kwargs: {} });
  });
  it("gives nothing to a task that takes nothing", () => {
    expect(parts(group(add.si(2), add.s(2)).clone([1])).map(({ args }) => args)).toEqual([[2], [1, 2]]);
  });
  it("is immutable where its input would arrive", () => {
    const flags = (canvas: { toSignature(): Signature }) => parts(canvas).map(({ immutable }) => immutable);
    expect(add.s(1).immutable().toSignature().immutable).toBe(true);
    expect(flags(chain(add.s(1), add.s(2)).immutable())).toEqual([true, false]);
    expect(flags(group(add.s(1), add.s(2)).immutable())).toEqual([true, true]);
    const joined = chord([add.s(1)], sum.s()).immutable();
    expect(flags(joined)).toEqual([true]);
    expect(joined.toSignature().kwargs.body).toMatchObject({ immutable: false });
  });
});

describe("links", () => {
  it("of a task are added up, each once", () => {
    const linked = add.s(1).link(sum.s(), note.s()).link(sum.s()).linkError(note.s(), note.s());
    expect(names(linked.toSignature().options.link)).toEqual(["t.sum", "t.note"]);
    expect(names(linked.toSignature().options.link_error)).toEqual(["t.note"]);
  });
  it("of a group go to its first member without a value, errbacks to all", () => {
    const linked = group(chain(add.s(1), add.s(2)), add.s(3))
      .link(sum.s())
      .linkError(note.s());
    expect(parts(linked).map(({ options }) => options)).toEqual([
      { link: [{ ...sum.s().toSignature(), immutable: true }], link_error: [note.s().toSignature()] },
      { link_error: [note.s().toSignature()] },
    ]);
    expect(
      group(add.s(1))
        .set({ link: sum.s(), linkError: [note.s()], queue: "q" })
        .toSignature(),
    ).toMatchObject({
      options: { queue: "q" },
      kwargs: { tasks: [{ options: { link: [{ task: "t.sum" }], link_error: [{ task: "t.note" }] } }] },
    });
  });
  it("of a group in a group reach the members of the inner one", () => {
    const [inner, other] = parts(
      group(group(add.s(1), add.s(2)), add.s(3))
        .link(sum.s())
        .linkError(note.s()),
    );
    expect(tasksOf(inner as Signature).map(({ options }) => Object.keys(options))).toEqual([["link", "link_error"], ["link_error"]]);
    expect(Object.keys(other?.options ?? {})).toEqual(["link_error"]);
  });
  it("have nothing to hold on to in an empty group", () => {
    expect(() => group([]).link(sum.s())).toThrow(expect.objectContaining({ code: "LOVAGE_SIGNATURE_INVALID" }));
  });
});

describe("stamps", () => {
  const stampsOf = ({ options }: Signature) => [options.stamped_headers, options.tenant];
  const red = [["tenant"], "red"];
  it("mark every task at every level, and links", () => {
    const inner = chord([add.s(1), add.s(2)], sum.s());
    const all = chain(add.s(1).link(note.s()), group(add.s(2), inner))
      .linkError(note.s())
      .stamp({ tenant: "red" })
      .toSignature();
    const [first, second] = tasksOf(all) as [Signature, Signature];
    expect(stampsOf(first)).toEqual(red);
    expect((first.options.link as Signature[]).map(stampsOf)).toEqual([red]);
    expect((all.options.link_error as Signature[]).map(stampsOf)).toEqual([red]);
    const [plain, joined] = tasksOf(second) as [Signature, Signature];
    expect(stampsOf(plain)).toEqual(red);
    expect(tasksOf(headerOf(joined)).map(stampsOf)).toEqual([red, red]);
    expect(stampsOf(joined.kwargs.body as Signature)).toEqual(red);
  });
  it("are added up; the same name says the newer value", () => {
    const { options } = add.s(1).stamp({ tenant: "red", a: 1 }).stamp({ tenant: "blue", b: 2 }).toSignature();
    expect(options).toEqual({ tenant: "blue", a: 1, b: 2, stamped_headers: ["tenant", "a", "b"] });
  });
  it("cannot take the name of an option", () => {
    expect(() => add.s(1).stamp({ queue: "q" })).toThrow(expect.objectContaining({ code: "LOVAGE_SEND_OPTIONS_INVALID" }));
  });
});

describe("one task over many arguments", () => {
  it("is Celery's built-in task with the signature inside", () => {
    expect(map(add, [1, 2]).toSignature()).toEqual({
      task: "celery.map",
      args: [],
      kwargs: { task: add.s().toSignature(), it: [1, 2] },
      options: {},
      subtask_type: null,
      immutable: true,
    });
  });
  it("in chunks is a group; of nothing an empty one", () => {
    const items = [1, 2, 3].map((n) => [n, n]);
    expect(parts(chunks(add, items, 2)).map(({ task, kwargs }) => [task, kwargs.it])).toEqual([
      ["celery.starmap", items.slice(0, 2)],
      ["celery.starmap", items.slice(2)],
    ]);
    expect(parts(chunks(add, [], 2))).toEqual([]);
    expect(() => chunks(add, items, 0)).toThrow(expect.objectContaining({ code: "LOVAGE_SIGNATURE_INVALID" }));
  });
});

describe("a chain", () => {
  it("of nothing is refused", () => {
    expect(() => chain()).toThrow(expect.objectContaining({ code: "LOVAGE_SIGNATURE_INVALID" }));
  });
});
