import { describe, expect, it } from "vitest";
import type { NodeStats, QueueInfo } from "../../control/replies.ts";
import { bindingsGraph, workersGraph } from "./dot.ts";

const stats = (slots: number) => ({ pool: { "max-concurrency": slots } }) as unknown as NodeStats;
const queue = (name: string, exchange: string) =>
  ({ name, exchange: { name: exchange, type: "direct" }, routing_key: name }) as unknown as QueueInfo;

describe("graphs", () => {
  it("draw nodes with their slots between broker and results", () => {
    const dot = workersGraph({ "b@x": stats(8), 'a"@x': stats(1), "c@x": { error: "busy" } }, "redis://b", "redis://r");
    for (const line of ['"a\\"@x" -> "redis://b"', '"b@x" -> "redis://r"', '"b@x … 8" [shape=oval, label="… 8"]', '"c@x" -> "redis://b"'])
      expect(dot.split("\n").map((each) => each.trim())).toContain(line);
    expect(dot).not.toContain('"c@x 1"');
    expect(workersGraph({}, "redis://b", "redis://b")).toBe('digraph workers {\n  rankdir=LR\n  "redis://b" [shape=cylinder]\n}');
  });

  it("draw each queue once, with its exchange and all that consume it", () => {
    const dot = bindingsGraph({ "a@x": [queue("q", "e")], "b@x": [queue("q", "e"), queue("plain", "")], "c@x": { error: "no" } });
    expect(dot.match(/^ {2}"queue q" \[/gm)).toHaveLength(1);
    for (const line of ['"exchange e" -> "queue q" [label="q"]', '"queue q" -> "a@x"', '"queue q" -> "b@x"', '"queue plain" -> "b@x"'])
      expect(dot).toContain(`  ${line}\n`);
    expect(dot).not.toContain('"exchange "');
  });
});
