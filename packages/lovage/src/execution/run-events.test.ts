import { describe, expect, it } from "vitest";
import { eventLine } from "./run-events.ts";

const entry = (event: string, data: unknown = null) => ({
  taskId: "t",
  rootId: "r",
  task: "demo",
  fraction: null,
  message: null,
  event,
  data,
  at: 7,
});

describe("an event of a task", () => {
  it("is a line of its workflow's log", () => {
    expect(JSON.parse(eventLine(entry("agent.step", { step: "plan" })))).toEqual(entry("agent.step", { step: "plan" }));
  });
  it.each(["step", "error", "end", "a.", ".a", "a b.c", "a.b\nid: 9", `a.${"b".repeat(100)}`])("is refused with the name %j", (name) => {
    expect(() => eventLine(entry(name))).toThrow(/cannot emit .*expected a name such as "agent.step"/);
  });
  it("is refused with data that is no JSON, or too much of it", () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(() => eventLine(entry("a.b", circular))).toThrow(expect.objectContaining({ code: "LOVAGE_EVENT_INVALID" }));
    expect(() => eventLine(entry("a.b", "é".repeat(9_000)))).toThrow(/at most 16384 are allowed/);
  });
});
