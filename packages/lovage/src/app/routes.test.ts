import { describe, expect, it } from "vitest";
import { defineTask } from "../task/define-task.ts";
import { createRegistry } from "../task/registry.ts";
import type { TaskRoutes } from "./route-types.ts";
import { checkQueue, createRouting, globTest } from "./routes.ts";

const routing = (taskRoutes: readonly TaskRoutes[], tasks = createRegistry([])) =>
  createRouting({ taskRoutes, taskDefaultQueue: "celery", taskDefaultPriority: null }, tasks);
const queueOf = (routes: readonly TaskRoutes[], name: string) => routing(routes).route(name, [], {}).queue;

describe("routes", () => {
  const byPrefix = [{ "agent_*": "agents", "briefing_*": "briefings", "scrape_*": "scraping" }];
  it.each([
    ["agent_plan", "agents"],
    ["briefing_daily", "briefings"],
    ["scrape_site", "scraping"],
    ["my_agent_plan", "celery"],
    ["agents", "celery"],
  ])("send %s to %s by its prefix", (name, queue) => {
    expect(queueOf(byPrefix, name)).toBe(queue);
  });
  it("take an exact name before a glob, and the first glob that fits", () => {
    expect(queueOf([{ "a.*": "first", "a.b*": "second", "a.bc": "exact" }], "a.bc")).toBe("exact");
    expect(queueOf([{ "a.*": "first", "a.b*": "second" }], "a.bd")).toBe("first");
  });
  it("ask functions with name and arguments, and the next one when they are silent", () => {
    const bySize: TaskRoutes = (_, args) => (Number(args[0]) > 10 ? { queue: "big", priority: 6 } : null);
    const both = routing([bySize, { "*": "small" }]);
    expect(both.route("t", [11], {})).toMatchObject({ queue: "big", priority: 6 });
    expect(both.route("t", [1], {})).toMatchObject({ queue: "small", priority: 0 });
  });
  it("come after what the task says itself", () => {
    const registry = createRegistry([defineTask("t.gpu", { queue: "gpu", priority: 3, expires: "1m", ignoreResult: true }, () => 1)]);
    expect(routing([{ "t.*": { queue: "cpu", priority: 9 } }], registry).route("t.gpu", [], {})).toEqual({
      ...{ queue: "gpu", priority: 3, expires: 60, ignoreResult: true },
    });
  });
  it.each([
    ["a[bc]d", "abd", true],
    ["a[!bc]d", "abd", false],
    ["a?d", "axd", true],
    ["a.d", "axd", false],
    ["*", "", true],
    ["a*", "a\nb", true],
    ["a(b)*", "a(b)c", true],
  ])("match %j against %j as Python's fnmatch: %j", (pattern, text, fits) => {
    expect(globTest(pattern).test(text)).toBe(fits);
  });
  it("refuse a queue that a declaring app does not declare", () => {
    expect(() => checkQueue("t", "q", null)).not.toThrow();
    expect(() => checkQueue("t", "q", ["a", "b"])).toThrow(/Cannot send "t" to queue "q": this app declares a, b/);
  });
});
