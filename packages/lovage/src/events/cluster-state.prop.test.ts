import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClusterState } from "./cluster-state.ts";
import type { ReceivedEvent } from "./receiver.ts";

const ends = ["succeeded", "failed", "revoked", "rejected"] as const;
const facts = { name: "t.add", args: "(1,)", kwargs: "{}", root_id: "r", parent_id: null, retries: 0, eta: null, expires: null };
const said = {
  sent: { ...facts, hostname: "gen1@b", queue: "q", exchange: "", routing_key: "q" },
  received: facts,
  started: {},
  succeeded: { result: "3", runtime: 0.5 },
  failed: { exception: "E()", traceback: "…" },
  revoked: { terminated: true, signum: 15, expired: false },
  rejected: { requeue: false },
};
/** The events of one life, in order. */
const life = fc
  .record({ sent: fc.boolean(), received: fc.boolean(), started: fc.boolean(), end: fc.option(fc.constantFrom(...ends)) })
  .map(({ end, ...flags }): readonly ReceivedEvent[] => {
    const begun = (["sent", "received", "started"] as const).filter((subject) => flags[subject]);
    const subjects = [...begun, ...(end === null ? [] : [end])];
    return subjects.map((subject, at) => ({
      ...{ type: `task-${subject}`, uuid: "1", hostname: "celery@a", timestamp: 10 + at, local_received: 10 + at, clock: 1 + at },
      ...said[subject],
    }));
  });
const shuffledLife = life.chain((events) => fc.tuple(fc.constant(events), fc.shuffledSubarray([...events], { minLength: events.length })));
const after = (events: readonly ReceivedEvent[], state = new ClusterState()) => {
  for (const event of events) state.apply(event);
  return state;
};
/** Which event wrote time and clock last is the order's. */
const settled = (state: ClusterState) => {
  const { timestamp: _, clock: __, ...task } = state.tasks.get("1") ?? { timestamp: 0, clock: 0 };
  return { task, types: state.taskTypes, count: state.taskCount, workers: [...state.workers.keys()].sort() };
};

describe("the state of the cluster", () => {
  it("is the same in whatever order the events of a life without retries come", () => {
    fc.assert(
      fc.property(shuffledLife, ([events, shuffled]) => {
        expect(settled(after(shuffled))).toEqual(settled(after(events)));
      }),
    );
  });

  it("is the same when some come twice", () => {
    fc.assert(
      fc.property(shuffledLife, ([events, again]) => {
        const { count: _, ...twice } = settled(after([...events, ...again]));
        const { count: __, ...once } = settled(after(events));
        expect(twice).toEqual(once);
      }),
    );
  });

  it("never holds more than it may, and knows by name just what it holds", () => {
    const event = fc.record({
      uuid: fc.integer({ max: 30, min: 0 }).map(String),
      subject: fc.constantFrom(...Object.keys(said)),
      name: fc.constantFrom("a", "b"),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const state = new ClusterState({ maxTasks: 7 });
        events.forEach(({ uuid, subject, name }, at) => {
          state.apply({ type: `task-${subject}`, uuid, name, hostname: "n", timestamp: at, local_received: at, clock: at });
          expect(state.tasks.size).toBeLessThanOrEqual(7);
        });
        const byName = state.taskTypes.flatMap((name) => state.tasksOfType(name).map((task) => `${name} ${task.uuid}`)).sort();
        expect(byName).toEqual([...state.tasks.values()].map((task) => `${task.name} ${task.uuid}`).sort());
      }),
    );
  });
});
