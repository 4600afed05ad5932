import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ask } from "../../dist/control/ask.js";
import { busLink } from "../../dist/control/control-link.js";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

/** At the same time: each waits for looks that are a second apart. */
describe.concurrent.each(["processes", "threads", "async"] as const)("a node of the pool %s that scales", (pool) => {
  it("grows while messages wait, and shrinks when idle without ending what runs", { timeout: 60_000 }, async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, autoscale: { max: 4, min: 1, keepAliveMs: 1500 } }).ready();
      const [file, gate, longFile, longGate] = [bench.file(), bench.file(), bench.file(), bench.file()];
      const long = await bench.app.send("t.span", [longFile, longGate]);
      await bench.started(longFile);
      const sent = await Promise.all(Array.from({ length: 6 }, () => bench.app.send("t.span", [file, gate])));
      await bench.started(file, 3);
      await waitFor("the most", () => node.logged("pool.resized").some(({ to }) => to === 4));
      expect(bench.lines(file)).toEqual(["+", "+", "+"]);
      writeFileSync(gate, "");
      expect(await Promise.all(sent.map((result) => result.get({ timeoutMs: 20_000 })))).toEqual(Array(6).fill("done"));
      // One still runs, and is never more than shrunk around.
      await waitFor("the least", () => node.logged("pool.resized").at(-1)?.to === 1, 20_000);
      // Where nobody knows in time which of them is busy, that may be one of those which go: when it has finished.
      const shrunk = () => node.logged("runner.gone").filter(({ reason }) => reason === "shrink").length;
      if (pool !== "async") await waitFor("the ends of those that idle", () => shrunk() >= 2, 20_000);
      expect(bench.lines(longFile)).toEqual(["+"]);
      writeFileSync(longGate, "");
      expect(await long.get({ timeoutMs: 10_000 })).toBe("done");
      expect(bench.lines(longFile)).toEqual(["+", "-"]);
      expect(await (await bench.app.send("t.add", [1, 1])).get({ timeoutMs: 10_000 })).toBe(2);
      expect(node.logged("runner.died")).toEqual([]);
    } finally {
      await bench.close();
    }
  });
});

it.concurrent("grows and shrinks when told to by remote control", { timeout: 60_000 }, async () => {
  const bench = new Bench();
  try {
    const node = await bench.node({ pool: "processes", concurrency: 1 }).ready();
    const store = await bench.app.store();
    const link = store.pidbox ?? busLink(store.bus);
    const tell = (method: string, n: number) => ask(link, { method, arguments: { n }, destination: [node.name], limit: 1 });
    expect(await tell("pool_grow", 2)).toEqual({ [node.name]: { ok: "pool will grow" } });
    expect(await tell("pool_grow", 100_000_000)).toEqual({ [node.name]: { error: expect.stringContaining("can grow to 1000 tasks") } });
    const [file, gate] = [bench.file(), bench.file()];
    const sent = await Promise.all([1, 2, 3].map(() => bench.app.send("t.span", [file, gate])));
    await bench.started(file, 3);
    // All are busy: two go when they have finished.
    expect(await tell("pool_shrink", 2)).toEqual({ [node.name]: { ok: "pool will shrink" } });
    await waitFor("the new size", () => node.logged("pool.resized").at(-1)?.to === 1);
    writeFileSync(gate, "");
    expect(await Promise.all(sent.map((result) => result.get({ timeoutMs: 10_000 })))).toEqual(["done", "done", "done"]);
    await waitFor("one runner", async () => (await node.pids()).length === 1);
    expect(await (await bench.app.send("t.add", [1, 1])).get({ timeoutMs: 10_000 })).toBe(2);
  } finally {
    await bench.close();
  }
});
