/** Long and deep compositions, run to their end on the store in memory. */
import { afterEach, describe, expect, it } from "vitest";
import { work } from "../../test-data/work.ts";
import type { App } from "../app/app.ts";
import { createApp } from "../app/create-app.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import { defineTask } from "../task/define-task.ts";
import { chain } from "./chain.ts";
import { chord } from "./chord.ts";
import { group } from "./group.ts";

const add = defineTask("t.add", (x: number, y: number) => x + y);
const sum = defineTask("t.sum", (values: number[]) => values.reduce((a, b) => a + b, 0));
let app: App;
afterEach(() => app.close());

const list = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
/** Composed in loops, so the compiler cannot follow. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;
const joined = (header: readonly Any[], body: Any): Any => (chord as Any)(header, body);
const inRow = (steps: readonly Any[]): Any => (chain as Any)(...steps);
const nested = (innermost: AnyCanvas, wrap: (inner: Any, i: number) => Any): Any => list(30, (i) => i).reduce(wrap, innermost);

async function endOf(canvas: Any): Promise<unknown> {
  app = createApp({ tasks: [add, sum], broker: "memory:", environment: false, folder: false });
  const result = await canvas.send(app);
  await work(app);
  return result.get({ timeoutMs: 20_000 });
}

describe("a composition", () => {
  it.each<readonly [string, () => Any, number]>([
    ["a chain of 1,000 links", () => inRow([add.s(0, 1), ...list(999, () => add.s(1))]), 1000],
    ["30 groups in a row", () => inRow([add.s(0, 1), ...list(30, () => [group([add.s(0), add.s(0)]), sum.s()]).flat()]), 2 ** 30],
    ["chords in headers, 30 deep", () => nested(add.s(0, 1), (inner) => joined([inner, add.s(0, 1)], sum.s())), 31],
    [
      "chords in bodies, 30 deep",
      () =>
        chord(
          [add.s(0, 1)],
          nested(sum.s(), (inner) => chord([sum.s(), sum.s()], inner)),
        ),
      2 ** 30,
    ],
    ["chords in chains in headers, 30 deep", () => nested(add.s(0, 1), (inner) => joined([inRow([inner, add.s(1)])], sum.s())), 31],
  ])("of %s comes to its end", async (_, make, value) => {
    expect(await endOf(make())).toBe(value);
  });
  it("of groups in chains in groups, 30 deep, gives as deep a list", async () => {
    const wrap = (inner: Any) => group([inRow([sum.si([1]), inner]), add.si(1, 1)]);
    expect(await endOf(nested(add.si(2, 2), wrap))).toEqual(list(30, () => 2).reduce<unknown>((inner, two) => [inner, two], 4));
  });
});
