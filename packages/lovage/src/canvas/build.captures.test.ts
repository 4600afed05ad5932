/** The same compositions as the captured ones, built by us: messages and shapes of chords must be Celery's. */
import { describe, expect, it } from "vitest";
import { loadCaptures } from "../../test-data/load-captures.ts";
import { newId } from "../kernel/ids.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import type { Signature, TaskMessage } from "../message/task-message.ts";
import { remoteTask } from "../task/remote-task.ts";
import { type BuildContext, Builder } from "./build.ts";
import { chain } from "./chain.ts";
import { chord } from "./chord.ts";
import { group } from "./group.ts";
import { chunks, map, starmap } from "./map.ts";
import { toOutgoing } from "./publication.ts";
import { headerOf, tasksOf } from "./steps.ts";

// biome-ignore lint/suspicious/noExplicitAny: captured documents are whatever Celery wrote
type Any = any;

const cases = new Map(loadCaptures("5.6.3").cases.map((one) => [one.case, one]));
const limits = { maxPayloadBytes: 1_000_000, typedValues: true };
const add = remoteTask<Any[], number>("t.add");
const mul = remoteTask<Any[], number>("t.mul");
const xsum = remoteTask<Any[], number>("t.xsum");
const echo = remoteTask<Any[], number>("t.echo");
const noop = remoteTask<Any[], null>("t.noop");
const errNew = remoteTask<Any[], null>("t.err_new");

const context: BuildContext = {
  ids: newId,
  lovage: undefined,
  routing: { route: () => ({ queue: "celery", priority: 0, expires: null, ignoreResult: null }) },
  now: 0,
  rootId: null,
  parentId: null,
  resultExpiresMs: 86_400_000,
};

function build(signature: Signature) {
  const builder = new Builder(context);
  builder.apply(signature);
  const messages = builder.messages.map((message) => decodeTaskMessage(Buffer.from(toOutgoing(message, limits).bytes as string)));
  return { messages, chords: builder.chords };
}

/** Null options say nothing; `reply_to` is the sender's own; 5.6.3 loses or doubles the id of a chain as a whole. */
function tidy(signature: Signature): Any {
  const { reply_to, root_id, parent_id, add_to_parent, ...options } = signature.options;
  const kept: Any = Object.fromEntries(
    Object.entries(options).filter(([key, value]) => value !== null && !(key === "task_id" && signature.subtask_type === "chain")),
  );
  if (kept.chord) kept.chord = tidy(kept.chord);
  for (const link of ["link", "link_error"]) if (kept[link]) kept[link] = kept[link].map(tidy);
  const kwargs: Any = { ...signature.kwargs };
  if (signature.subtask_type === "chain" || signature.subtask_type === "group") kwargs.tasks = tasksOf(signature).map(tidy);
  if (signature.subtask_type === "chord") {
    const header = tidy(headerOf(signature));
    // Celery's clients write the body into the header of a chord that waits, and into each member; we do not (freeze.ts).
    for (const each of [header, ...header.kwargs.tasks]) delete each.options.chord;
    Object.assign(kwargs, { header, body: tidy(kwargs.body) });
  }
  return { ...signature, kwargs, options: kept };
}

function comparable(message: TaskMessage): Any {
  const { id, task, args, kwargs, callbacks, errbacks, chain: rest, chord: body, rootId, parentId, groupId, groupIndex } = message;
  return {
    ...{ id, task, args, kwargs, rootId, parentId, groupId, groupIndex, queue: message.routingKey, priority: message.priority },
    ...{ hasEta: message.eta !== null, callbacks: callbacks.map(tidy), errbacks: errbacks.map(tidy) },
    ...{ stampedHeaders: message.stampedHeaders && [...message.stampedHeaders].sort(), stamps: message.stamps },
    ...{ chain: rest?.map(tidy) ?? null, chord: body === null ? null : tidy(body) },
  };
}

/** Ids by the order in which they appear: two builds of one composition are equal. */
function renamed(messages: readonly TaskMessage[]): string {
  const names = new Map<string, string>();
  return JSON.stringify(messages.map(comparable), sortKeys, 1).replace(
    /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
    (id) => names.get(id) ?? names.set(id, `#${names.size}`).get(id) ?? id,
  );
}

function sortKeys(_: string, value: Any): Any {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]]),
  );
}

const compositions: Readonly<Record<string, { toSignature(): Signature }>> = {
  p08_link: add.s(2, 3).link(add.s(10)),
  p08_link_many: add.s(2, 3).link(add.s(10).set({ queue: "q2", countdown: 5, priority: 3 }), mul.si(2, 2)),
  p09_chain3: chain(add.s(1, 1), mul.s(4), add.s(8)),
  p09_chain_options: chain(add.s(1, 1), noop.si().set({ queue: "q2", priority: 6 }), echo.s(5))
    .link(add.s(1))
    .linkError(errNew.s())
    .set({ countdown: 3 }),
  p10_group3: group(add.s(0, 0), add.s(1, 1), add.s(2, 2)),
  p10_group_nested: group(add.s(1, 1), group(add.s(2, 2), add.s(3, 3)), chain(add.s(4, 4), add.s(5))),
  p11_chord: chord([add.s(1, 1), add.s(2, 2)], xsum.s()),
  p11_chord_empty: chord([], xsum.s()),
  p11_chord_group_or: chain(group(add.s(1, 1), add.s(2, 2)), xsum.s(), add.s(10)),
  p11_chord_header_chains: chord([chain(add.s(1, 1), mul.s(2)), chain(add.s(2, 2), mul.s(3))], xsum.s()),
  p11_chord_link_error: chord([add.s(1, 1), remoteTask("t.fail").s()], xsum.s().linkError(errNew.s())),
  p12_chord_body_group: chain(group(add.s(1, 1), add.s(2, 2)), group(echo.s(1), echo.s(2))),
  p12_chord_complex_header: chord([chain(add.s(1, 1), group(add.s(2), add.s(3))), add.s(4, 4)], echo.s()),
  p12_chord_group_in_header: chord([group(add.s(1, 1), add.s(2, 2), add.s(3, 3)), add.s(4, 4)], xsum.s()),
  p12_chord_in_group: group(chord([add.s(1, 1), add.s(2, 2)], xsum.s()), add.s(3, 3)),
  p12_chord_nested: chord([chord([add.s(1, 1), add.s(2, 2)], xsum.s()), add.s(3, 3)], xsum.s()),
  p13_chain_group_end: chain(add.s(1, 1), group(add.s(2), mul.s(3))),
  p13_chain_group_middle: chain(add.s(1, 1), group(add.s(2), mul.s(3)), xsum.s(), add.s(1)),
  p13_chain_of_chains: chain(chain(add.s(1, 1), add.s(2)), chain(mul.s(2), chord([add.s(1), add.s(2)], xsum.s()))),
  p14_map: map(xsum, [
    [1, 2],
    [3, 4],
  ]),
  p14_starmap: starmap(add, [
    [1, 2],
    [3, 4],
  ]),
  p14_chunks: chunks(
    add,
    [0, 1, 2, 3, 4].map((n) => [n, n]),
    2,
  ),
  p15_stamped: add.s(2, 3).stamp({ mtask_id: "abc", tenant: ["t1", "t2"] }),
  // Keywords leave the body out there; here they do not.
  p15_stamped_chord: chord([add.s(1, 1).stamp({ flow: "f1" }), add.s(2, 2).stamp({ flow: "f1" })], xsum.s()),
  p15_stamped_options: add.s(2, 3).set({ stamps: { mtask_id: "abc" } }),
  p13_chain_two_groups: chain(add.s(1, 1), group(add.s(2), mul.s(3)), group(echo.s(2), echo.s(3)), echo.s()),
};

describe("compositions", () => {
  it.each(Object.entries(compositions))("are built as Celery 5.6.3 builds them: %s", (name, composition) => {
    const raw = cases.get(name)?.messages ?? [];
    const theirs = raw.map((message) => decodeTaskMessage(Buffer.from(message)));
    expect(theirs.length).toBeGreaterThan(0);
    expect(renamed(build(composition.toSignature()).messages)).toBe(renamed(theirs));
  });
  it("count what will report to a chord", () => {
    expect(
      build((compositions.p12_chord_nested as Any).toSignature())
        .chords.map(({ size }) => size)
        .sort(),
    ).toEqual([2, 2]);
    expect(build((compositions.p12_chord_complex_header as Any).toSignature()).chords[0]?.size).toBe(3);
  });
  it("keep the shape of a header whose members end in groups, nested by task id", () => {
    const { chords, messages } = build((compositions.p12_chord_complex_header as Any).toSignature());
    const { result } = JSON.parse(chords[0]?.taskset ?? "null");
    const inner = tasksOf(messages[0]?.chain?.[0] as Signature).map(({ options }) => options.task_id);
    expect(result[0][0]).toBe(chords[0]?.groupId);
    expect(result[1][0][1].map(([[id]]: Any) => id)).toEqual(inner);
    expect(result[1][1][0][0]).toBe(messages[1]?.id);
  });
});
