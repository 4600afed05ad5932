import { expect, test } from "vitest";
import type { Found, SeenNode, TaskFacts } from "./facts.ts";
import { reasonsOf } from "./reasons.ts";

const now = 1_800_000_000_000;
const node = (more: Partial<SeenNode> = {}): SeenNode => ({
  ...{ name: "a@h", kind: "lovage", queues: ["q"], tasks: ["t.add", "t.sub"], slots: 2, active: [] },
  ...more,
});
const message = { queue: "q", bucket: 0, task: "t.add", etaMs: null, expiresMs: null, retries: 0 };
const waiting = (more: Partial<Extract<Found, { place: "waiting" }>> = {}): Found => ({
  ...{ ...message, place: "waiting", before: 0, urgent: 0, depth: 1, startsInMs: null },
  ...more,
});
const facts = (more: Partial<TaskFacts>): TaskFacts => ({
  ...{ id: "x", now, result: null, found: [], deadLetter: null, revoke: null, leftOutFor: null, pauses: [], nodes: [node()] },
  ...more,
});
const codes = (more: Partial<TaskFacts>) => reasonsOf(facts(more)).map(({ code }) => code);
const run = (sinceMs: number | null, id = "y") => ({ id, task: "t.sub", sinceMs });
const pause = { queue: "q", since: now - 60_000, by: "host", why: "upgrade" };

test("a task that will be refused comes first, whatever else stands in its way", () => {
  const found = [waiting({ expiresMs: now - 1, before: 7, depth: 8 })];
  const revoke = { by: "root", value: "r" } as const;
  expect(codes({ found, revoke, pauses: [pause], nodes: [] })).toEqual(["revoked", "expired", "paused"]);
  expect(reasonsOf(facts({ found, revoke }))[0]?.says).toContain("by its root r");
});

test("a pause comes before all that depends on workers, and names who made it, when and why", () => {
  expect(codes({ found: [waiting()], pauses: [{ ...pause, queue: "other" }] })).toEqual(["nothing"]);
  const [first] = reasonsOf(facts({ found: [waiting({ task: "nobody's" })], pauses: [pause], nodes: [] }));
  expect(first).toMatchObject({ code: "paused", says: "Queue q is paused, since 1 min, from host: upgrade." });
});

test("without a consumer it says who consumes what", () => {
  expect(codes({ found: [waiting()], nodes: [] })).toEqual(["no-worker"]);
  const nodes = [node({ queues: ["p", "qq"] }), node({ name: "b@h", queues: ["far"] })];
  const [first] = reasonsOf(facts({ found: [waiting()], nodes }));
  expect(first?.says).toBe("No worker consumes queue q. a@h consumes p, qq; b@h consumes far. Did you mean p or qq or far?");
});

test("a name is unknown only if none of its consumers knows it", () => {
  const found = [waiting({ task: "t.mul" })];
  expect(codes({ found })).toEqual(["unknown-task"]);
  expect(codes({ found, nodes: [node(), node({ name: "py@h", kind: "celery", tasks: null, slots: null })] })).toEqual(["nothing"]);
  const [first] = reasonsOf(facts({ found, nodes: [node(), node({ name: "b@h", queues: ["p"], tasks: ["t.mul"] })] }));
  expect(first).toMatchObject({ says: expect.stringContaining("b@h knows it and consumes other queues") });
});

test("a blocked loop is named before the line that it makes; a busy node after it", () => {
  const found = [waiting({ before: 3, urgent: 1, depth: 9 })];
  expect(codes({ found, nodes: [node({ active: [run(now - 60_000)] })] })).toEqual(["blocked", "behind"]);
  expect(codes({ found, nodes: [node({ active: [run(now - 60_000), run(now)] })] })).toEqual(["behind", "busy"]);
  expect(codes({ found: [waiting()], nodes: [node({ active: [run(now - 500)] })] })).toEqual(["nothing"]);
  expect(codes({ found: [waiting()], nodes: [node({ active: null })] })).toEqual(["silent-node"]);
});

test("what is in flight is running, held, blocked, or with a node that is gone", () => {
  const flight = { ...message, place: "running" } as const;
  expect(codes({ found: [{ ...flight, node: "a@h", run: run(now - 5, "x") }] })).toEqual(["running"]);
  expect(codes({ found: [{ ...flight, node: "a@h", run: null }] })).toEqual(["held"]);
  expect(codes({ found: [{ ...flight, node: "a@h", run: null }], nodes: [node({ active: [run(now - 9000)] })] })).toEqual(["blocked"]);
  expect(codes({ found: [{ ...flight, node: "a@h", run: null }], nodes: [node({ active: null })] })).toEqual(["held"]);
  expect(codes({ found: [{ ...flight, node: null, run: null }] })).toEqual(["orphan"]);
});

test("a dead letter comes before the failure that it is, and a replayed one waits like any other", () => {
  const deadLetter = { id: "1-a", reason: "failed", cause: null, detail: "TypeError: no", atMs: now - 1000, heldBy: "z" };
  const result = { state: "FAILURE", doneMs: now - 1000, says: "TypeError: no" };
  expect(codes({ deadLetter, result })).toEqual(["dead-letter", "finished"]);
  expect(reasonsOf(facts({ deadLetter }))[0]?.remedy).toMatch(/lovage dlq replay 1-a\. Task z has its unique key now/);
  expect(codes({ deadLetter, result, found: [waiting()] })).toEqual(["nothing"]);
});

test("what has ended says how, and one that was left out says for whom", () => {
  expect(codes({ result: { state: "SUCCESS", doneMs: now - 1, says: null } })).toEqual(["finished"]);
  expect(codes({ result: { state: "REVOKED", doneMs: now - 1, says: "expired" } })).toEqual(["expired"]);
  expect(codes({ result: { state: "REVOKED", doneMs: now - 1, says: "revoked" } })).toEqual(["revoked"]);
  expect(codes({ leftOutFor: "z" })).toEqual(["not-sent"]);
});

test("of an id that nobody knows it says what that can mean, and who did not answer", () => {
  const [first] = reasonsOf(
    facts({ result: { state: "STARTED", doneMs: null, says: null }, nodes: [node({ name: "py@h", kind: "celery", active: null })] }),
  );
  expect(first).toMatchObject({ code: "unknown", says: expect.stringMatching(/Its state is STARTED.*never sent.*py@h did not answer/) });
});
