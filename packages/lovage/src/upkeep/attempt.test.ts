import { describe, expect, it } from "vitest";
import type { Commit } from "../message/commit.ts";
import { Attempt, type AttemptRules, bareCommit } from "./attempt.ts";

const delivery = { epoch: "e", number: 1 };
const whole: Commit = { ...bareCommit({ delivery }, { kind: "ack" }), count: { task: "t", state: "SUCCESS" } };
const failureCommit: Commit = { ...bareCommit({ delivery }, { kind: "ack" }), count: { task: "t", state: "FAILURE" } };
const joined: Commit = { ...whole, publish: [{ taskId: "body", queue: "q", priority: 0, bytes: "{}" }] };
const partsDue = { kind: "parts-due", groupId: "g", parts: [], position: 0, taskset: null } as const;
const refused = { kind: "refused", code: "LOVAGE_TOO_LARGE", message: "600 MiB" } as const;
const rules = (over: Partial<AttemptRules> = {}): AttemptRules => ({ complete: () => joined, failure: () => failureCommit, ...over });

describe("Attempt", () => {
  it("is done when it was applied, or fenced", () => {
    expect(new Attempt(whole, rules()).answer({ kind: "applied" })).toBe("applied");
    expect(new Attempt(whole, rules()).answer({ kind: "fenced" })).toBe("fenced");
  });

  it("comes again with what follows from a full chord, and from the start when the set has changed", () => {
    const attempt = new Attempt(whole, rules());
    expect(attempt.answer(partsDue)).toBe("again");
    expect(attempt.commit).toBe(joined);
    expect(attempt.answer({ kind: "not-due", groupId: "g" })).toBe("again");
    expect(attempt.commit).toBe(whole);
  });

  it("becomes a FAILURE when the store refuses it, then a dead letter with the first reason, then hopeless", () => {
    const attempt = new Attempt(whole, rules());
    expect(attempt.answer(refused)).toBe("again");
    expect(attempt.commit).toBe(failureCommit);
    expect(attempt.answer({ kind: "refused", code: "LOVAGE_WRONG_TYPE", message: "a list" })).toBe("again");
    expect(attempt.commit.settle).toEqual({ kind: "dead-letter", reason: "refused", detail: "LOVAGE_TOO_LARGE: 600 MiB" });
    expect(attempt.commit.publish).toEqual([]);
    expect(attempt.answer(refused)).toBe("hopeless");
  });

  it("completes the chord of the FAILURE too", () => {
    const attempt = new Attempt(whole, rules({ complete: (commit) => ({ ...commit, publish: joined.publish }) }));
    attempt.answer(refused);
    expect(attempt.answer(partsDue)).toBe("again");
    expect(attempt.commit).toEqual({ ...failureCommit, publish: joined.publish });
  });

  it("goes straight to the dead letters when no FAILURE can be built", () => {
    const broken = () => {
      throw new Error("no result of any kind");
    };
    const attempt = new Attempt(whole, rules({ failure: broken }));
    expect(attempt.answer(refused)).toBe("again");
    expect(attempt.commit.settle.kind).toBe("dead-letter");
  });

  it("takes a chord that cannot be joined for a refusal", () => {
    const unreadable = () => {
      throw new Error("member 3 is no JSON");
    };
    const attempt = new Attempt(whole, rules({ complete: unreadable }));
    expect(attempt.answer(partsDue)).toBe("again");
    expect(attempt.commit).toBe(failureCommit);
    expect(attempt.refusal?.code).toBe("LOVAGE_CHORD_UNREADABLE");
  });

  it("does not go round for ever with a store that contradicts itself", () => {
    const attempt = new Attempt(whole, rules());
    let verdict = attempt.answer(partsDue);
    for (let turn = 0; turn < 10_000 && verdict === "again"; turn++)
      verdict = attempt.answer(turn % 2 ? partsDue : { kind: "not-due", groupId: "g" });
    expect(verdict).toBe("hopeless");
  });
});
