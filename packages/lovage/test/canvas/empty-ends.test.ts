// Members of a chord that end in an empty group, through a worker: nobody waits for ever, and the body gets the empty list.
import { type AnyCanvas, chain, chord, currentRun, defineTask, group } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fleet, startFleet, stores } from "./fleet.ts";

// biome-ignore lint/suspicious/noExplicitAny: an empty group's type says nothing of what it is given
type Any = any;
const give = defineTask("t.give", (...values: readonly unknown[]): Any => values.at(-1));
const all = defineTask("t.all", (...values: readonly unknown[]): Any => values);
const fail = defineTask("t.fail", (): Any => {
  throw new Error("no");
});
const become = defineTask("t.become", () => currentRun().replace(chain(give.s(1), nothing)));
const grow = defineTask("t.grow", async () => {
  await currentRun().addToChord(chain(give.s(1), nothing));
  await currentRun().addToChord(give.s("later"));
  return "grown";
});
const nothing = group([]);
const patient = { timeoutMs: 10_000 };
const inChord = (...header: readonly Any[]): AnyCanvas => chord(header, all.s() as Any);

describe.each(stores)("on %s, a chord's member", (store) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(store, { tasks: { give, all, fail, become, grow }, routes: { "t.all": "other" } });
  });
  afterAll(() => fleet?.close());
  const endOf = async (canvas: AnyCanvas): Promise<unknown> => ((await fleet.app.send(canvas as Any)) as Any).get(patient);

  it.each<readonly [string, () => AnyCanvas, unknown]>([
    ["a chain with an empty group at its end", () => inChord(chain(give.s(1), nothing)), [[[]]]],
    ["a chord of nothing", () => inChord(chord([], nothing as Any)), [[[]]]],
    ["a chord with an empty group for its body", () => inChord(chord([give.s(1)], nothing as Any), give.s(2)), [[[], 2]]],
    ["a group that ends in empty ones", () => inChord(chain(give.s(1), group([chain(give.s(2), nothing), give.s(3)]))), [[[[], 3]]]],
    ["an empty group in an empty group", () => inChord(chain(give.s(1), group([nothing, group([nothing])])), give.s(2)), [[[], 2]]],
    ["an empty group itself is none", () => inChord(nothing, give.s(2)), [[2]]],
    ["a task that is replaced by such a chain", () => inChord(become.s(), give.s(2)), [[[], 2]]],
    ["a task that adds such a chain", () => inChord(grow.s(), give.s(3)), [["grown", [], "later", 3]]],
    ["in a chord of chords", () => chord([inChord(chain(give.s(1), nothing)) as Any], all.s() as Any), [[[[[]]]]]],
    ["in a later step", () => chain(give.s(0), group([chain(give.s(1), nothing as Any), give.s(2)]) as Any, all.s() as Any), [[[], 2]]],
  ])("%s", async (_, make, expected) => {
    expect(await endOf(make())).toEqual(expected);
  });

  it("that fails before its empty end fails the chord", async () => {
    await expect(endOf(inChord(chain(fail.s(), nothing)))).rejects.toMatchObject({ code: "LOVAGE_CHORD_FAILED" });
    await expect(endOf(inChord(chord([fail.s()], nothing as Any), give.s(1)))).rejects.toMatchObject({ code: "LOVAGE_CHORD_FAILED" });
  });
});
