import { describe, expect, it } from "vitest";
import { ClusterState } from "./cluster-state.ts";
import type { ReceivedEvent } from "./receiver.ts";
import { isAlive } from "./worker-record.ts";

let clock = 0;
const event = (type: string, fields: Partial<ReceivedEvent> = {}): ReceivedEvent => {
  clock += 1;
  return { type, hostname: "celery@a", timestamp: 1000 + clock, local_received: 1000 + clock, clock, ...fields };
};
const of = (uuid: string, subject: string, fields: Partial<ReceivedEvent> = {}) => event(`task-${subject}`, { uuid, ...fields });
const stateAfter = (...events: readonly ReceivedEvent[]): ClusterState => {
  const state = new ClusterState();
  for (const one of events) state.apply(one);
  return state;
};

describe("tasks", () => {
  it("go through their states, and keep what was said of them", () => {
    const received = of("1", "received", { name: "t.add", args: "(1,)", kwargs: "{}", retries: 0 });
    const succeeded = of("1", "succeeded", { result: "3", runtime: 0.5 });
    const state = stateAfter(of("1", "sent", { hostname: "gen1@b", queue: "q", name: "t.add" }), received, of("1", "started"), succeeded);
    expect(state.tasks.get("1")).toMatchObject({
      ...{ state: "SUCCESS", name: "t.add", args: "(1,)", result: "3", runtime: 0.5, queue: "q", client: "gen1@b", worker: "celery@a" },
      ...{ received: received.timestamp, succeeded: succeeded.timestamp, timestamp: succeeded.timestamp, clock: succeeded.clock },
    });
    expect([state.eventCount, state.taskCount, state.taskTypes]).toEqual([4, 1, ["t.add"]]);
  });

  it("an early event that comes late changes neither state nor time, and still names the task", () => {
    const received = of("1", "received", { name: "t.add", args: "(1,)", result: "never" });
    const succeeded = of("1", "succeeded", { result: "3" });
    const task = stateAfter(succeeded, received).tasks.get("1");
    expect(task).toMatchObject({ state: "SUCCESS", name: "t.add", args: "(1,)", result: "3", timestamp: succeeded.timestamp });
  });

  it("a retry begins anew", () => {
    const state = stateAfter(of("1", "received", { name: "t" }), of("1", "failed"), of("1", "retried"), of("1", "received"));
    expect(state.tasks.get("1")?.state).toBe("RECEIVED");
  });

  it("states of a sender's own stand above STARTED and below the ends", () => {
    expect(stateAfter(of("1", "started"), of("1", "progress")).tasks.get("1")?.state).toBe("PROGRESS");
    expect(stateAfter(of("1", "succeeded"), of("1", "progress")).tasks.get("1")?.state).toBe("SUCCESS");
  });

  it("are found by name, however late it was said, and newest first", () => {
    const state = stateAfter(of("1", "started"), of("2", "received", { name: "t.b" }), of("1", "received", { name: "t.a" }));
    expect(state.tasksOfType("t.a").map(({ uuid }) => uuid)).toEqual(["1"]);
    expect(state.latestTasks(1).map(({ uuid }) => uuid)).toEqual(["2"]);
    expect(state.taskTypes).toEqual(["t.a", "t.b"]);
  });

  it("beyond so many the oldest are forgotten, under their names too", () => {
    const state = new ClusterState({ maxTasks: 3, maxWorkers: 1 });
    for (let i = 0; i < 10; i++) state.apply(of(`${i}`, "received", { name: `t.${i % 2}`, hostname: `celery@${i}` }));
    expect([...state.tasks.keys()]).toEqual(["7", "8", "9"]);
    expect(state.tasksOfType("t.1").map(({ uuid }) => uuid)).toEqual(["7", "9"]);
    expect([state.taskCount, [...state.workers.keys()]]).toEqual([10, ["celery@9"]]);
  });
});

describe("nodes", () => {
  it("are alive for twice the time between their heartbeats", () => {
    const state = stateAfter(event("worker-heartbeat", { freq: 2, active: 3, sw_ident: "lovage", local_received: 5000 }));
    expect(state.workers.get("celery@a")).toMatchObject({ freq: 2, active: 3, sw_ident: "lovage", heardAt: 5000 });
    expect(state.aliveWorkers(5003.9)).toHaveLength(1);
    expect(state.aliveWorkers(5004)).toHaveLength(0);
  });

  it("a word of a task is a sign of life, an older one takes none away", () => {
    const state = stateAfter(event("worker-heartbeat", { freq: 2, local_received: 5000 }), of("1", "started", { timestamp: 4000 }));
    expect(state.workers.get("celery@a")?.heardAt).toBe(5000);
    state.apply(of("1", "succeeded", { timestamp: 6000 }));
    expect(isAlive(state.workers.get("celery@a") as never, 6003)).toBe(true);
  });

  it("are gone when they say so, and one that was not there does not come by going", () => {
    const state = stateAfter(
      event("worker-online", { freq: 2 }),
      event("worker-offline"),
      event("worker-offline", { hostname: "celery@b" }),
    );
    expect(state.aliveWorkers(0)).toEqual([]);
    expect([...state.workers.keys()]).toEqual(["celery@a"]);
  });
});

it("passes over what is not whole, and what it does not know", () => {
  const state = stateAfter(
    { type: "task-started", uuid: "1" } as never,
    event("task-started"),
    event("other-thing"),
    event("worker"),
    event("task-started", { uuid: 5 }),
  );
  expect([state.eventCount, state.tasks.size, state.workers.size]).toEqual([5, 0, 0]);
});
