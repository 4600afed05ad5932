/** Joints that must compile, joints that must not, and the one line that says why. */
import { describe, expectTypeOf, it } from "vitest";
import { currentRun } from "../execution/current-run.ts";
import type { AsyncResult, GroupResult } from "../task/async-result.ts";
import type { Mismatch } from "../task/call-types.ts";
import type { OpenOf } from "../task/canvas.ts";
import { defineTask } from "../task/define-task.ts";
import { remoteTask } from "../task/remote-task.ts";
import { chain } from "./chain.ts";
import { chord } from "./chord.ts";
import { group } from "./group.ts";
import type { ChainSteps, ChordBody } from "./joints.ts";
import { chunks, map, starmap } from "./map.ts";

const add = defineTask("t.add", (x: number, y: number) => x + y);
const text = defineTask("t.text", async (x: number) => String(x));
const shout = defineTask("t.shout", (s: string) => s.toUpperCase());
const total = defineTask("t.total", (counts: number[], id: string) => ({ id, total: counts.length }));
const pair = defineTask("t.pair", (both: [number, string]) => both);
const pairUp = defineTask("t.pair-up", (values: number[]) => values.length);
const pairs = defineTask("t.pairs", (lists: number[][]) => lists.length);
const py = remoteTask<[x: number, y: number], number>("proj.tasks.add");

describe("a chain", () => {
  it("gives what its last step gives", () => {
    expectTypeOf(chain(add.s(1, 2), text.s(), shout.s()).send()).resolves.toEqualTypeOf<AsyncResult<string>>();
    expectTypeOf(chain(py.s(1, 2), py.s(10)).send()).resolves.toEqualTypeOf<AsyncResult<number>>();
  });
  it("refuses a step that cannot take what the step before it gives", () => {
    // @ts-expect-error 'Mismatch<"this step takes", [string], "but the step before it returns", number>'
    chain(add.s(1, 2), shout.s());
    // @ts-expect-error the fault is in the middle
    chain(add.s(1, 2), shout.s(), shout.s());
    // @ts-expect-error `add.s(1, 2)` takes nothing more
    chain(add.s(1, 2), add.s(1, 2));
  });
  it("says why in one line", () => {
    const steps = [add.s(1, 2), shout.s()] as const;
    expectTypeOf<ChainSteps<typeof steps>[1]>().toEqualTypeOf<
      Mismatch<"this step takes", [string], "but the step before it returns", number>
    >();
  });
  it("lets an immutable step stand anywhere", () => {
    chain(add.s(1, 2), shout.si("x"), add.si(1, 2));
  });
  it("that ends in a group gives a group's handle, and hands its value to every member", () => {
    expectTypeOf(chain(add.s(1, 2), group(text.s(), add.s(4))).send()).resolves.toEqualTypeOf<GroupResult<[string, number]>>();
    // @ts-expect-error one member takes text
    chain(add.s(1, 2), group(text.s(), shout.s()));
  });
  it("hands its value to members that all take it, whatever their order", () => {
    chain(add.s(1, 2), group(add.s(1), text.si(1)));
    const mixed = group(add.s(1, 2), add.s(1));
    expectTypeOf<OpenOf<typeof mixed>>().toEqualTypeOf<[never]>();
    // @ts-expect-error the first member has all its arguments
    chain(add.s(1, 2), mixed);
    // @ts-expect-error so has the last one here
    chain(add.s(1, 2), group(add.s(1), chord([add.s(1, 2)], pairUp.s())));
    // @ts-expect-error and the second one lacks one
    mixed.send();
  });
  it("ends in a group however deep that stands", () => {
    const fan = group(text.s(), add.s(4));
    const both = group(pairUp.s(), pairUp.s());
    expectTypeOf(chain(add.s(1, 2), chain(add.s(3), fan)).send()).resolves.toEqualTypeOf<GroupResult<[string, number]>>();
    expectTypeOf(chord([add.s(1, 2)], both).send()).resolves.toEqualTypeOf<GroupResult<[number, number]>>();
    expectTypeOf(chain(add.s(1, 2), chord([add.s(1)], both).set({ queue: "q" })).send()).resolves.toEqualTypeOf<
      GroupResult<[number, number]>
    >();
  });
  it("turns a group in its middle into the list of its results", () => {
    expectTypeOf(chain(add.s(1, 2), group([add.s(3), add.s(4)]), total.s("id")).send()).resolves.toEqualTypeOf<
      AsyncResult<{ id: string; total: number }>
    >();
    // @ts-expect-error the list is not a number
    chain(add.s(1, 2), group([add.s(3), add.s(4)]), text.s());
  });
  it("that still takes something cannot be sent as it is", () => {
    // @ts-expect-error it takes a number in front
    chain(add.s(1), text.s()).send();
    chain(add.s(1), text.s()).delay(2);
    // @ts-expect-error not a text
    chain(add.s(1), text.s()).delay("2");
  });
});

describe("a chord", () => {
  it("hands the list of its header's results to its body", () => {
    const tiles = [1, 2, 3];
    expectTypeOf(
      chord(
        tiles.map((tile) => add.s(tile, 1)),
        total.s("id"),
      ).send(),
    ).resolves.toEqualTypeOf<AsyncResult<{ id: string; total: number }>>();
    expectTypeOf(chord([add.s(1, 2), text.s(3)], pair.s()).send()).resolves.toEqualTypeOf<AsyncResult<[number, string]>>();
    chord(group([add.s(1, 2)]), total.s("id"));
    chord([], total.s("id"));
  });
  it("refuses a body that cannot take the list", () => {
    // @ts-expect-error 'Mismatch<"this chord body takes", …>'
    chord([add.s(1, 2), text.s(3)], total.s("id"));
    // @ts-expect-error texts are no numbers
    chord(["a", "b"].map((s) => shout.s(s)), total.s("id")); // biome-ignore format: the error stands on this line
    // @ts-expect-error `total.s()` wants the id too
    chord([add.s(1, 2)], total.s());
  });
  it("says why in one line", () => {
    const body = total.s("id");
    expectTypeOf<ChordBody<string[], typeof body>>().toEqualTypeOf<
      Mismatch<"this chord body takes", [number[]], "but its header gives the list", string[]>
    >();
  });
});

describe("copies of compositions", () => {
  it("keep what they give, and take what is left", () => {
    const steps = chain(add.s(2), text.s());
    expectTypeOf(steps.clone([1]).send()).resolves.toEqualTypeOf<AsyncResult<string>>();
    expectTypeOf(
      chord([add.s(1), add.s(2)], total.s("id"))
        .clone([3])
        .send(),
    ).resolves.toEqualTypeOf<AsyncResult<{ id: string; total: number }>>();
    expectTypeOf(group(add.s(1), add.s(2)).clone([3]).send()).resolves.toEqualTypeOf<GroupResult<[number, number]>>();
    // @ts-expect-error not a number
    steps.clone(["1"]);
    // @ts-expect-error it still takes a number
    steps.immutable();
    chain(shout.s("a"), chain(add.s(1, 2), text.s()).immutable(), shout.s());
  });
});

describe("one task over many arguments", () => {
  const load = remoteTask<[path: string, size?: number], Uint8Array>("proj.load");
  it("gives a list, or a list of lists", () => {
    expectTypeOf(map(text, [1, 2]).send()).resolves.toEqualTypeOf<AsyncResult<string[]>>();
    expectTypeOf(map(load, ["a"]).send()).resolves.toEqualTypeOf<AsyncResult<Uint8Array[]>>();
    expectTypeOf(starmap(add, [[1, 2]]).send()).resolves.toEqualTypeOf<AsyncResult<number[]>>();
    expectTypeOf(chunks(py, [[1, 2]], 10).send()).resolves.toEqualTypeOf<GroupResult<number[][]>>();
    chain(starmap(add, [[1, 2], [3, 4]]), total.s("id")); // biome-ignore format: one line
    chain(chunks(add, [[1, 2]], 10), pairs.s());
  });
  it("refuses arguments that do not fit", () => {
    // @ts-expect-error not numbers
    map(text, ["1"]);
    // @ts-expect-error 'Mismatch<"this task takes", …, "but map gives it", [number]>'
    map(add, [1]);
    // @ts-expect-error one too few
    starmap(add, [[1]]);
    // @ts-expect-error not a number
    chunks(add, [[1, "2"]], 10);
    // @ts-expect-error the list is not a number
    chain(starmap(add, [[1, 2]]), text.s());
  });
});

describe("links", () => {
  const told = defineTask("t.told", { errback: true }, (request, error) => `${request.id} ${error.message}`);
  it("take what they are linked to, errbacks the failed id or all that is known", () => {
    add.s(1, 2).link(text.s(), add.s(3), shout.si("x")).linkError(shout.s(), told.s(), add.si(1, 2));
    chain(add.s(1, 2), text.s()).link(shout.s());
    chord([add.s(1, 2)], total.s("id")).linkError(shout.s());
    add.s(1, 2).link(add.s(3).toSignature());
  });
  it("that cannot are refused", () => {
    // @ts-expect-error 'Mismatch<"this link takes", [string], "but what it is linked to returns", number>'
    add.s(1, 2).link(shout.s());
    // @ts-expect-error the second one
    add.s(1, 2).link(text.s(), shout.s());
    // @ts-expect-error 'Mismatch<"this errback takes", [number], "but it is called with the failed task's id", string>'
    add.s(1, 2).linkError(text.s());
    // @ts-expect-error a group gives its links nothing
    group(add.s(1, 2), add.s(3, 4)).link(text.s());
    // @ts-expect-error so does a chain that ends in one
    chain(add.s(1, 2), group(text.s(), add.s(4))).link(shout.s());
    group(add.s(1, 2), add.s(3, 4)).link(text.si(1)).linkError(shout.s());
  });
  it("say why in one line", () => {
    const refused: Parameters<typeof one.link<[typeof upper]>>[0] = undefined as never;
    const one = add.s(1, 2);
    const upper = shout.s();
    expectTypeOf(refused).toEqualTypeOf<Mismatch<"this link takes", [string], "but what it is linked to returns", number>>();
  });
});

describe("inside a run", () => {
  const run = currentRun();
  it("a replacement gives what the task gives", () => {
    defineTask("t.one", (n: number): number => (n > 0 ? run.replace(chain(add.s(n, 1), add.s(2))) : 0));
    expectTypeOf(run.replace(group(add.s(1, 2), text.s(3)))).toEqualTypeOf<[number, string]>();
    // @ts-expect-error a text is no number
    defineTask("t.one", (n: number): number => run.replace(text.s(n)));
  });
  it("what is sent has all its arguments", () => {
    void run.addToChord(add.s(1, 2));
    void run.sendOnSuccess(chain(add.s(1, 2), text.s()));
    // @ts-expect-error 'Mismatch<"this signature still takes", [number], "but it is sent with", []>'
    run.replace(text.s());
    // @ts-expect-error it still takes a number
    void run.addToChord(add.s(1));
    // @ts-expect-error it still takes a number
    void run.sendOnSuccess(text.s());
  });
});
