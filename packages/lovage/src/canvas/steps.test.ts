// Where the links of a composition end up once it is put together, as `a | b` does it in Python (celery-wire.md §6.4).
import { describe, expect, it } from "vitest";
import type { Signature } from "../message/task-message.ts";
import { remoteTask } from "../task/remote-task.ts";
import { chain } from "./chain.ts";
import { chord } from "./chord.ts";
import { group } from "./group.ts";
import { bodyOf, headerOf, stepsOf, tasksOf } from "./steps.ts";

const task = (name: string) => remoteTask<readonly unknown[]>(name).s();
const names = (signatures: unknown): unknown => (signatures as readonly Signature[] | undefined)?.map((each) => each.task);
const onWire = (options: object) => JSON.parse(JSON.stringify(options));
const put = (canvas: { toSignature(): Signature }) => stepsOf(canvas.toSignature());

describe("a chord", () => {
  it("has what is linked to it on its body, also before it is sent", () => {
    const { options, kwargs } = chord([task("h")], task("b"))
      .link(task("l"))
      .linkError(task("e"))
      .toSignature();
    const body = (kwargs.body as Signature).options;
    expect([onWire(options), names(body.link), names(body.link_error)]).toEqual([{}, ["l"], ["e"]]);
  });
});

describe("a group", () => {
  it("hands its errbacks to the body of a chord in it, as Python writes it", () => {
    const [member] = tasksOf(
      group([chord([task("h")], task("b"))])
        .linkError(task("e"))
        .toSignature(),
    ) as [Signature];
    expect([onWire(member.options), names(bodyOf(member)?.options.link_error)]).toEqual([{}, ["e"]]);
  });
});

describe("a chain", () => {
  it("is written without the chains inside it, what was linked to them on their own steps", () => {
    const inner = chain(task("b"), task("c")).link(task("l")).linkError(task("e"));
    const steps = tasksOf(chain(task("a"), chain(inner, task("d")), task("z")).toSignature());
    expect(names(steps)).toEqual(["a", "b", "c", "d", "z"]);
    expect(steps.map(({ options }) => [names(options.link), names(options.link_error)])).toEqual([
      [undefined, undefined],
      [undefined, ["e"]],
      [["l"], ["e"]],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });
});

describe("a chain put together", () => {
  it("leaves what is linked to a chord with the chord's own body", () => {
    const [joined] = put(
      chain(
        chord([task("h")], task("b"))
          .link(task("l"))
          .linkError(task("e")),
        task("next"),
      ),
    ) as [Signature];
    const [body, next] = tasksOf(bodyOf(joined) as Signature) as [Signature, Signature];
    expect([names(body.options.link), names(body.options.link_error), next.options]).toEqual([["l"], ["e"], {}]);
    expect(onWire(joined.options)).toEqual({});
  });

  it("hands its errbacks to the member of a group of one", () => {
    const [first] = put(chain(group([task("only")]), task("next")).linkError(task("e"))) as [Signature];
    expect([first.task, names(first.options.link_error)]).toEqual(["only", ["e"]]);
  });

  it("hands its errbacks to a chord's body, and to the bodies of chords in its header", () => {
    const [, joined] = put(
      chain(task("a"), group([chord([task("h")], task("inner")), task("b")]), task("c")).linkError(task("e")),
    ) as Signature[];
    const [inner, other] = tasksOf(headerOf(joined as Signature)) as [Signature, Signature];
    const ends = [bodyOf(joined as Signature), bodyOf(inner), other];
    expect(ends.map((end) => names(end?.options.link_error))).toEqual([["e"], ["e"], undefined]);
  });

  it("is written with the chord that a group at its beginning makes: Python's workers hand nothing to such a group", () => {
    const [written] = tasksOf(chain(group([task("a"), task("b")]), task("c")).toSignature()) as [Signature];
    expect([written.subtask_type, names(tasksOf(headerOf(written))), bodyOf(written)?.task]).toEqual(["chord", ["a", "b"], "c"]);
  });

  it("takes a chain in a header that begins with a group for the chord that it is", () => {
    const [whole] = put(chain(group([chain(group([task("h"), task("i")]), task("b")), task("c")]), task("d")).linkError(task("e"))) as [
      Signature,
    ];
    expect(names(tasksOf(headerOf(whole))[0]?.options.link_error)).toEqual(["e"]);
  });

  it("hands the errbacks of a chain inside it to that chain's steps, members of its last group included", () => {
    const inner = chain(task("a"), group([task("b"), task("c")])).linkError(task("e"));
    const [first, joined] = put(chain(inner, task("next"))) as [Signature, Signature];
    expect(names(first.options.link_error)).toEqual(["e"]);
    expect(tasksOf(headerOf(joined)).map((member) => names(member.options.link_error))).toEqual([["e"], ["e"]]);
    expect(bodyOf(joined)?.options).toEqual({});
  });

  it("gives a list to what follows a chord whose body is a group, also of one", () => {
    const [joined] = put(chain(chord([task("h")], group([task("b")])), task("next"))) as [Signature];
    const body = bodyOf(joined) as Signature;
    expect([body.subtask_type, names(tasksOf(headerOf(body))), bodyOf(body)?.task]).toEqual(["chord", ["b"], "next"]);
  });
});
