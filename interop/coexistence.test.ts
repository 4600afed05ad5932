// A migration in the middle: Python and Lovage workers on one queue, for tasks that both know.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";

const count = 200;

describe.skipIf(skipped)("a Python worker and a Lovage worker on one queue", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    [python] = await Promise.all([
      site.python(),
      site.lovageWorker("ts", "-Q", "shared", "-P", "processes", "-c", "2"),
      site.celeryWorker("py", "-Q", "shared", "-c", "2"),
    ]);
  });
  afterAll(() => site?.close());

  it("share the work of both kinds of client: each task once", async () => {
    const file = join(site.folder, "marks");
    const calls = Array.from({ length: count / 2 }, (_, i) => i);
    const theirs = python.eval("get(group(s('shared.mark', given, 100 + i) for i in range(100))())", file);
    const results = await Promise.all(calls.map((i) => site.app.send("shared.mark", [file, i])));
    expect(await Promise.all(results.map((result) => result.get({ timeoutMs: 20_000 })))).toEqual(calls);
    expect(await theirs).toEqual(calls.map((i) => 100 + i));

    const marks = readLines(file);
    expect(marks.map(([number]) => Number(number)).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(new Set(marks.map(([, who]) => who))).toEqual(new Set(["python", "lovage"]));
    // nothing waits, and nothing is held
    expect(await python.eval("[redis('LLEN', 'shared'), redis('HLEN', 'unacked')]")).toEqual([0, 0]);
  });

  it("retry what the other side has tried before, and go on with its count", async () => {
    const file = join(site.folder, "attempts");
    const times = 5;
    const results = await Promise.all(Array.from({ length: 20 }, () => site.app.send("shared.flaky", [file, times])));
    const values = await Promise.all(results.map((result) => result.get({ timeoutMs: 20_000 })));
    expect(values).toEqual(results.map(() => times));

    const attempts = readLines(file);
    for (const { id } of results) {
      const own = attempts.filter(([task]) => task === id).map(([, retries]) => Number(retries));
      expect(own).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect(new Set(attempts.map(([, , who]) => who))).toEqual(new Set(["python", "lovage"]));
  });
});

const readLines = (file: string) =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
