/** A chain that Python started, as a member of a chord, and whose last step is an empty group (celery-wire.md §7.2: counted as one). */
import { describe, expect, it } from "vitest";
import { testFacts } from "../../test-data/facts.ts";
import { groupSignature } from "../canvas/steps.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import { newTaskMessage } from "../message/new-task-message.ts";
import type { Outcome } from "../message/outcome.ts";
import { remoteTask } from "../task/remote-task.ts";
import { completeChord, continuation } from "./continuation.ts";

const body = { ...remoteTask("t.all").s().toSignature(), options: { task_id: "body" } };
const empty = { ...groupSignature([]), options: { task_id: "empty", group_id: "g", group_index: 4, chord: body } };
const message = newTaskMessage({ task: "t", routingKey: "own", chain: [empty] });
const facts = testFacts(message);
const after = (outcome: Outcome) => continuation(message, outcome, facts);
const failure: Outcome = { kind: "failure", error: { exc_type: "E", exc_message: [], exc_module: null }, traceback: null, children: [], cause: "exception" }; // biome-ignore format: one line

describe("an empty group at the end of a chord's member", () => {
  it("is a task that gives the empty list to the chord, where the step before it ran", () => {
    const { publish } = after({ kind: "success", value: 1, children: [] });
    expect(publish.map(({ queue, bytes }) => [queue, decodeTaskMessage(Buffer.from(bytes as string))])).toMatchObject([
      ["own", { task: "celery.accumulate", args: [], id: "empty", groupId: "g", groupIndex: 4, chord: body }],
    ]);
  });
  it("ends the chord where the step before it failed", () => {
    const commit = after(failure);
    expect(commit.chordParts).toMatchObject([{ groupId: "g", index: 4, taskId: "empty" }]);
    const ended = completeChord(commit, { kind: "parts-due", groupId: "g", parts: [], position: 0, taskset: null }, facts);
    expect(ended.chordParts).toMatchObject([{ completes: "error" }]);
    expect(ended.results.map(({ taskId, state }) => [taskId, state])).toContainEqual(["body", "FAILURE"]);
  });
});
