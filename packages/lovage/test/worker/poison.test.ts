import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe.each([
  ["async", 10],
  ["threads", 4],
  ["processes", 2],
  ["solo", 1],
] as const)("a task that aborts its process, in the pool %s with -c %i", (pool, concurrency) => {
  it("runs exactly three times and is kept with its cause, while its neighbours all succeed", async () => {
    const node = await bench.node({ pool, concurrency }).ready();
    const [poisoned, running, gate] = [bench.file(), bench.file(), bench.file()];
    // Neighbours that run when it dies, and some that wait behind it.
    const company = await Promise.all(Array.from({ length: concurrency - 1 }, () => bench.app.send("t.span", [running, gate])));
    if (company.length > 0) await bench.started(running, company.length);
    const poison = await bench.app.send("t.perish", [poisoned, "abort"]);
    const behind = await Promise.all(Array.from({ length: 20 }, (_, i) => bench.app.send("t.add", [i, 1])));
    await waitFor("its first death", () => node.logged("runner.died")[0]);
    writeFileSync(gate, "");
    await expect(poison.get({ timeoutMs: 20_000 })).rejects.toMatchObject({ name: "WorkerLostError" });
    expect(await Promise.all(company.map((each) => each.get({ timeoutMs: 20_000 })))).toEqual(company.map(() => "done"));
    expect(await Promise.all(behind.map((each) => each.get({ timeoutMs: 20_000 })))).toEqual(behind.map((_, i) => i + 1));
    expect(bench.lines(poisoned)).toHaveLength(3);
    const { deadLetters } = await bench.app.store();
    expect(await deadLetters.list(5)).toMatchObject([
      { reason: "poison", cause: "abort", attempts: 3, detail: expect.stringContaining("3 times") },
    ]);
    const died = new Set(node.logged("runner.died").map(({ pid }) => pid));
    expect(died.size).toBe(3);
    expect(new Set(node.logged("runner.died").map(({ cause }) => cause))).toEqual(new Set(["abort"]));
  });
});
