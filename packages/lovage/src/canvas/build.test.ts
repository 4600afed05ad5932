/** Signatures that come from Python, as a worker has to send them. */
import { describe, expect, it } from "vitest";
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import { type BuildContext, Builder } from "./build.ts";
import { bodyOf, chainSignature, chordSignature, groupSignature, headerOf, tasksOf } from "./steps.ts";

let ids = 0;
const context: BuildContext = {
  ids: () => `id${++ids}`,
  lovage: undefined,
  routing: { route: (task) => ({ queue: task.split(".")[0] ?? "", priority: 0, expires: null, ignoreResult: null }) },
  now: 0,
  rootId: null,
  parentId: null,
  resultExpiresMs: null,
};

const task = (name: string, options: SignatureOptions = {}, kwargs: Signature["kwargs"] = {}): Signature => ({
  ...{ task: name, args: [], kwargs, options, subtask_type: null, immutable: false },
});

function build(signature: Signature) {
  const builder = new Builder(context);
  builder.apply(signature);
  return builder;
}

describe("a signature", () => {
  it("may have typed datetimes for eta and expires", () => {
    const [message] = build(task("a.t", { eta: new Date(1000), expires: new Date(2000) })).messages;
    expect(message).toMatchObject({ eta: "1970-01-01T00:00:01.000000+00:00", expires: "1970-01-01T00:00:02.000000+00:00" });
  });
  it("of a map goes where the task goes that it calls", () => {
    const map = task("celery.map", {}, { task: task("gpu.t"), it: [1, 2] });
    expect(build(map).messages[0]).toMatchObject({ task: "celery.map", routingKey: "gpu" });
  });
  it("that says so is no child of its sender", () => {
    expect(build(task("a.t")).children).toHaveLength(1);
    expect(build(task("a.t", { add_to_parent: false })).children).toEqual([]);
  });
});

describe("a chord whose body is a chord", () => {
  it("gives its place to the task that ends it all, and to nothing else that is yet to start", () => {
    const outer = task("a.outer");
    const builder = new Builder(context);
    const whole = chordSignature([task("a.t")], chordSignature([task("a.member")], task("a.end")));
    builder.apply(whole, [], { group_id: "g", group_index: 7, chord: outer });
    const [message] = builder.messages;
    const body = message?.chord as Signature;
    expect(Object.keys(body.options)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(group_id|group_index|chord)$/)]));
    expect(bodyOf(body)?.options).toMatchObject({ group_id: "g", group_index: 7, chord: outer });
    expect(tasksOf(headerOf(body))[0]?.options).not.toHaveProperty("group_index", 7);
  });
});

describe("a group that ends a chain", () => {
  const ends = chainSignature([task("a.first"), groupSignature([task("a.t"), chordSignature([task("a.t")], task("a.end"))])]);
  const indexIn = ({ messages: [message] }: Builder) => message?.chain?.at(-1)?.options.group_index;

  it("is written with its own index in a chord alone, as Celery's clients do", () => {
    expect(indexIn(build(groupSignature([ends, task("a.t")])))).toBeUndefined();
    expect(indexIn(build(chordSignature([ends, task("a.t")], task("a.body"))))).toBe(0);
  });
});

describe("chunks", () => {
  const chunks: Signature = { ...task("celery.chunks", {}, { task: task("gpu.t"), it: [[1], [2], [3]], n: 2 }), subtask_type: "chunks" };
  const shares = [[[1], [2]], [[3]]];

  it("are a group of starmaps", () => {
    const { messages, children } = build(chunks);
    expect(messages.map(({ kwargs }) => kwargs.it)).toEqual(shares);
    expect(messages).toMatchObject(shares.map((_, groupIndex) => ({ task: "celery.starmap", groupIndex, routingKey: "gpu" })));
    expect(children[0]?.[1]).toHaveLength(2);
  });
  it("in the header of a chord are one member, whose value is a list; of nothing an empty one", () => {
    const none = { ...chunks, kwargs: { ...chunks.kwargs, it: [] } };
    const { chords, messages } = build(chordSignature([chunks, none], task("a.end")));
    expect(chords).toMatchObject([{ size: 3, taskset: expect.any(String) }]);
    expect(messages.map(({ task: name, kwargs, routingKey }) => [name, kwargs.it, routingKey])).toEqual([
      ["celery.starmap", shares[0], "gpu"],
      ["celery.starmap", shares[1], "gpu"],
      ["celery.accumulate", undefined, "a"],
    ]);
  });
  it("in the middle of a chain are the header of a chord", () => {
    const { messages, chords } = build(chainSignature([chunks, task("a.end")]));
    expect(chords).toMatchObject([{ size: 2 }]);
    expect(messages.map(({ chord }) => chord?.task)).toEqual(["a.end", "a.end"]);
  });
});

describe("a chord", () => {
  it("hands its own options to its body, but for those of its start", () => {
    const outer = task("a.outer");
    const options = { group_id: "g", group_index: 2, chord: outer, countdown: 5, queue: "q" };
    const { messages } = build({ ...chordSignature([task("a.t")], task("a.body")), options });
    expect(messages[0]).toMatchObject({ routingKey: "q", eta: expect.any(String) });
    expect(messages[0]?.chord?.options).toMatchObject({ group_id: "g", group_index: 2, chord: outer, queue: "q" });
    expect(messages[0]?.chord?.options.countdown).toBeUndefined();
  });
  it("of an empty header starts its body at once, in an empty group too", () => {
    for (const header of [[], [groupSignature([])]])
      expect(build(chordSignature(header, task("a.body"))).messages).toMatchObject([{ task: "a.body", args: [[]] }]);
  });
});
