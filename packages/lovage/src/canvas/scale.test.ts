/** Long and deep compositions: what they become, and that their bytes grow with what is in them. No times: bench and docs have these. */
import { describe, expect, it } from "vitest";
import { newId } from "../kernel/ids.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import type { Signature } from "../message/task-message.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import { remoteTask } from "../task/remote-task.ts";
import { type BuildContext, Builder } from "./build.ts";
import { chain } from "./chain.ts";
import { chord } from "./chord.ts";
import { group } from "./group.ts";
import { toOutgoing } from "./publication.ts";
import { bodyOf, chainSteps, headerOf, tasksOf } from "./steps.ts";

// biome-ignore lint/suspicious/noExplicitAny: the types have tests of their own
type Any = any;
const add = remoteTask<Any[], Any>("t.add");
const limits = { maxPayloadBytes: 16 * 1024 * 1024, typedValues: true };
const context: BuildContext = {
  ids: newId,
  lovage: undefined,
  routing: { route: () => ({ queue: "celery", priority: 0, expires: null, ignoreResult: null }) },
  now: 0,
  rootId: null,
  parentId: null,
  resultExpiresMs: 86_400_000,
};
const list = <T>(length: number, make: (i: number) => T): T[] => Array.from({ length }, (_, i) => make(i));
const inChain = (steps: readonly AnyCanvas[]): AnyCanvas => (chain as Any)(...steps);

/** Bytes of all messages that start it; each must be readable. */
function bytesOf(canvas: AnyCanvas): number {
  const builder = new Builder(context);
  builder.apply(canvas.toSignature());
  const sent = builder.messages.map((message) => toOutgoing(message, limits).bytes);
  for (const bytes of sent) decodeTaskMessage(bytes as string);
  return sent.reduce((sum, bytes) => sum + Buffer.byteLength(bytes), 0);
}

describe("a chain", () => {
  const links = list(1000, (i) => add.s(i));
  it("is the same list of steps however it was put together", () => {
    const flat = chainSteps(links.map((link) => link.toSignature()));
    const left = (links as AnyCanvas[]).reduce((done, link) => inChain([done, link]));
    const right = ([...links].reverse() as AnyCanvas[]).reduce((done, link) => inChain([link, done]));
    expect(chainSteps([left.toSignature()])).toEqual(flat);
    expect(chainSteps([right.toSignature()])).toEqual(flat);
  });
  it("of 1,000 links is one message, twice the size of that of 500", () => {
    expect(bytesOf(inChain(links)) / bytesOf(inChain(links.slice(500)))).toBeCloseTo(2, 1);
  });
  it("after a group is the body of one chord, also when it is added step by step", () => {
    const start = group(add.s(1), add.s(2));
    const [joined, ...others] = chainSteps(inChain([start, ...links]).toSignature().kwargs.tasks as Signature[]) as [Signature];
    expect(others).toEqual([]);
    expect(tasksOf(bodyOf(joined) as Signature)).toEqual(links.map((link) => link.toSignature()));
    const stepwise = links.reduce<AnyCanvas>((done, link) => inChain([done, link]), start);
    expect(chainSteps([stepwise.toSignature()])).toEqual([joined]);
  });
  it("of chords nests each in the body of the one before", () => {
    const one = (i: number) => chord([add.s(i)], add.s("body", i));
    const [whole, ...others] = chainSteps([one(0), one(1), add.s("end")].map((each) => each.toSignature())) as [Signature];
    expect(others).toEqual([]);
    const [body, inner] = tasksOf(bodyOf(whole) as Signature) as [Signature, Signature];
    expect([body.args, tasksOf(headerOf(inner)).map(({ args }) => args)]).toEqual([["body", 0], [[1]]]); // biome-ignore format: one line
    expect(tasksOf(bodyOf(inner) as Signature).map(({ args }) => args)).toEqual([["body", 1], ["end"]]); // biome-ignore format: one line
  });
  it("of groups grows with their number, and not with a power of their size", () => {
    const steps = (count: number) => inChain([add.s(0), ...list(count, (i) => [group(add.s(i), add.s(2)), add.s()]).flat()]);
    expect(bytesOf(steps(30)) / bytesOf(steps(15))).toBeLessThan(2.1);
  });
});

describe("a composition 30 deep", () => {
  const nested = (wrap: (inner: AnyCanvas, i: number) => AnyCanvas, depth = 30) =>
    list(depth, (i) => i).reduce<AnyCanvas>((inner, i) => wrap(inner, i), add.s(1));
  it.each<readonly [string, (inner: AnyCanvas, i: number) => AnyCanvas, number]>([
    ["of groups", (inner, i) => group([inner, add.s(i)]), 2.1],
    ["of chains and groups", (inner, i) => group([chain(add.s(0), inner as Any), add.s(i)]), 2.1],
    ["of chords in bodies", (inner, i) => chord([add.s(i), add.s(2)], inner as Any), 2.1],
    ["of chords in chains in headers", (inner, i) => chord([chain(add.s(0), inner as Any), add.s(i)], add.s()), 2.1],
    // Each member names its body, whose chord is the next one out: Celery's form.
    ["of chords in headers", (inner, i) => chord([inner, add.s(i)], add.s()), 4.1],
  ])("%s can be sent, and has no more bytes than its depth accounts for", (_, wrap, most) => {
    expect(bytesOf(nested(wrap)) / bytesOf(nested(wrap, 15))).toBeLessThan(most);
  });
});
