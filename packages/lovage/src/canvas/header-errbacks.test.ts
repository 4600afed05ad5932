// What Python's `link_error` does to chords under `task_allow_error_cb_on_chord_header`, here when they are sent.
import { describe, expect, it } from "vitest";
import type { Signature } from "../message/task-message.ts";
import { remoteTask } from "../task/remote-task.ts";
import { chain } from "./chain.ts";
import { chord } from "./chord.ts";
import { group } from "./group.ts";
import { withErrbacksOnHeaders } from "./header-errbacks.ts";
import { bodyOf, headerOf, tasksOf } from "./steps.ts";

const task = (name: string) => remoteTask<readonly unknown[]>(name).s();
const errback = task("e");
const sent = (canvas: { toSignature(): Signature }) => withErrbacksOnHeaders(canvas.toSignature());
/** Names of errbacks; "!": called without the id. */
const errbacks = (signature: Signature): readonly string[] =>
  signature.subtask_type === "chain" ? tasksOf(signature).flatMap(errbacks) : own(signature);
const own = ({ options }: Signature) =>
  ((options.link_error ?? []) as readonly Signature[]).map(({ task: name, immutable }) => `${name}${immutable ? "!" : ""}`);
const header = (signature: Signature) => tasksOf(headerOf(signature)).map(errbacks);

describe("errbacks of a chord", () => {
  it("are linked to each task of its header, immutable, and to its body as they are", () => {
    const whole = sent(chord([task("a"), chain(task("b"), task("c"))], task("body")).linkError(errback));
    expect([header(whole), errbacks(bodyOf(whole) as Signature)]).toEqual([[["e!"], ["e!", "e!"]], ["e"]]);
  });
  it("stay where they are when only the body or a member was linked", () => {
    const whole = sent(chord([task("a").linkError(task("own"))], task("body").linkError(errback)));
    expect([header(whole), errbacks(bodyOf(whole) as Signature)]).toEqual([[["own"]], ["e"]]);
  });
  it("reach the header of a chord in the header, whose body has them once", () => {
    const whole = sent(chord([chord([task("a")], task("inner"))], task("body")).linkError(errback));
    const [inner] = tasksOf(headerOf(whole)) as [Signature];
    expect([header(inner), errbacks(bodyOf(inner) as Signature)]).toEqual([[["e!"]], ["e"]]);
  });
  it("of a chain reach the headers of chords that its groups become, in a group and in a link too", () => {
    const steps = chain(task("a"), group([task("b"), task("c")]), task("d")).linkError(errback);
    for (const whole of [sent(steps), tasksOf(sent(group([steps])))[0], sent(task("t").link(steps)).options.link]) {
      const [first, joined] = tasksOf([whole].flat()[0] as Signature) as [Signature, Signature];
      expect([errbacks(first), header(joined), errbacks(bodyOf(joined) as Signature)]).toEqual([["e"], [["e!"], ["e!"]], ["e"]]);
    }
  });
  it("say nothing of it on the wire", () => {
    expect(JSON.stringify(chord([task("a")], task("body")).linkError(errback))).not.toContain("Symbol");
    expect(sent(chord([task("a")], task("body"))).kwargs).toEqual(chord([task("a")], task("body")).toSignature().kwargs);
  });
});
