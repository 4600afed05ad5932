import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

/** Milliseconds. A minute was tried by hand: a node is given up after ten seconds of silence. */
const blockedMs = 4500;

/** At the same time: each waits for the whole of it. */
describe.concurrent.each(["async", "processes", "threads", "solo"] as const)("a task that blocks its loop in the pool %s", (pool) => {
  it("is named, runs once, and keeps its node among the living", { timeout: 60_000 }, async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, concurrency: 1, name: "blocked" }).ready();
      const file = bench.file();
      const result = await bench.app.send("t.block", [file, blockedMs]);
      await bench.started(file);
      const other = await bench.node({ pool: "async", concurrency: 5, name: "other" }).ready();
      const store = await bench.app.store();
      const beats = async () => (await store.leases.fleet()).nodes.find(({ info }) => info.name === node.name)?.count ?? 0;
      const before = await beats();
      await waitFor("another beat", async () => (await beats()) > before);
      expect(await result.get({ timeoutMs: blockedMs + 20_000 })).toBe("done");
      expect(bench.lines(file)).toEqual(["+", "-"]);
      const [first, ...more] = node.logged("runner.loop-blocked");
      expect(first).toMatchObject({ tasks: [`t.block[${result.id}]`], lagMs: expect.any(Number) });
      // Where it is in its code, too; threads cannot be asked.
      if (pool !== "threads") expect((first?.stack as string[] | undefined)?.[0]).toMatch(/^spin \(.*fixtures\/app\.ts:\d+:\d+\)$/);
      // Each time the lag has doubled: after 1, 2 and 4 s.
      expect(more.length).toBeLessThanOrEqual(2);
      expect([...other.logged("reaper.node-closed"), ...node.logged("lease.node-closed"), ...node.logged("runner.died")]).toEqual([]);
    } finally {
      await bench.close();
    }
  });
});

it.concurrent("is told from the others of its runner", { timeout: 60_000 }, async () => {
  const bench = new Bench();
  try {
    const node = await bench.node({ pool: "async", concurrency: 10 }).ready();
    const [file, gate, blocking] = [bench.file(), bench.file(), bench.file()];
    const neighbours = await Promise.all(Array.from({ length: 5 }, () => bench.app.send("t.span", [file, gate])));
    await bench.started(file, 5);
    const result = await bench.app.send("t.block", [blocking, 2500]);
    expect(await result.get({ timeoutMs: 20_000 })).toBe("done");
    // A busy machine may stop the loop for a second too, and then all are named.
    const name = JSON.stringify([`t.block[${result.id}]`]);
    await waitFor("the name", () => node.logged("runner.loop-blocked").some(({ tasks }) => JSON.stringify(tasks) === name));
    writeFileSync(gate, "");
    expect(await Promise.all(neighbours.map((each) => each.get({ timeoutMs: 10_000 })))).toEqual(Array(5).fill("done"));
  } finally {
    await bench.close();
  }
});
