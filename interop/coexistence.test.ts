// A migration in the middle: Python and Lovage workers on one queue, for tasks that both know.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Child } from "./support/child.ts";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

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

describe.skipIf(skipped)("a queue that goes from Python to Lovage and back while it is full", () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  });
  afterAll(() => site?.close());

  it("keeps what Python gave back, and runs nothing twice", async () => {
    const file = join(site.folder, "marks");
    writeFileSync(file, "");
    const runs = Array.from({ length: count }, (_, i) => i);
    const results = await Promise.all(runs.map((i) => site.app.send("shared.mark", [file, i])));
    const runUntil = async (worker: Promise<Child>, marks: number) => {
      const child = await worker;
      await waitFor(`${marks} marks`, () => readLines(file).length >= marks, 20_000);
      expect(await child.stop()).toBe(0);
    };
    // Python holds more than it runs, and gives that back when it stops. (Its pool "solo" breaks off what it runs, and loses it.)
    await runUntil(site.celeryWorker("py", "-Q", "shared", "-c", "2"), 20);
    // What it has popped while it stopped stands nowhere any more: at most the answer to its last BRPOP.
    const left = new Set([...readLines(file).map(([number]) => Number(number)), ...(await waiting(site))]);
    const dropped = runs.filter((run) => !left.has(run));
    expect(dropped.length).toBeLessThanOrEqual(1);
    const kept = runs.filter((run) => left.has(run));
    await runUntil(site.lovageWorker("ts", "-Q", "shared", "-P", "async", "-c", "2"), 60);
    await site.celeryWorker("py", "-Q", "shared", "-c", "4");
    expect(await Promise.all(kept.map((run) => results[run]?.get({ timeoutMs: 20_000 })))).toEqual(kept);

    const marks = readLines(file);
    expect(marks.map(([number]) => Number(number)).sort((a, b) => a - b)).toEqual(kept);
    expect(marks.filter(([, who]) => who === "lovage").length).toBeGreaterThanOrEqual(2);
  });
});

/** The numbers of the tasks in the queue. */
async function waiting(site: Site): Promise<readonly number[]> {
  const { broker } = await site.app.store();
  return (await broker.queues.peek("shared", 1000)).map((bytes) => {
    const { body } = JSON.parse(Buffer.from(bytes).toString()) as { readonly body: string };
    return (JSON.parse(Buffer.from(body, "base64").toString()) as readonly [readonly [string, number]])[0][1];
  });
}

const readLines = (file: string) =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
