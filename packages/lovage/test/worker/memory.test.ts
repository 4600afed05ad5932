import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

/** At the same time: each waits for three runners to be started and to grow. */
describe.concurrent.each([
  ["async", 250_000, "its process had"],
  ["processes", 250_000, "its process had"],
  ["threads", 64_000, "its JavaScript heap"],
  ["solo", 250_000, "its process had"],
] as const)("a runner of the pool %s above its hard memory limit", (pool, hardMemoryPerChild, cause) => {
  it("is ended in the middle of its task, which is charged with it, and serves on", { timeout: 60_000 }, async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, concurrency: 1, hardMemoryPerChild }).ready();
      const result = await bench.app.send("t.hoardForEver", []);
      await expect(result.get({ timeoutMs: 50_000 })).rejects.toThrow(`Worker exited prematurely: out of memory: ${cause}`);
      expect(await (await bench.app.store()).deadLetters.list(10)).toMatchObject([{ reason: "poison" }]);
      await waitFor("the third death in the log", () => node.logged("runner.died").length === 3);
      expect(node.logged("runner.died").map((line) => String(line.how).includes(cause))).toEqual([true, true, true]);
      expect(await (await bench.app.send("t.add", [1, 1])).get({ timeoutMs: 20_000 })).toBe(2);
    } finally {
      await bench.close();
    }
  });
});

it.concurrent("spares the other threads of its process", { timeout: 60_000 }, async () => {
  const bench = new Bench();
  try {
    const node = await bench.node({ pool: "threads", concurrency: 2, hardMemoryPerChild: 64_000 }).ready();
    const pids = await node.pids();
    const [file, gate] = [bench.file(), bench.file()];
    const neighbour = await bench.app.send("t.span", [file, gate]);
    await bench.started(file);
    const result = await bench.app.send("t.hoardForEver", []);
    await expect(result.get({ timeoutMs: 50_000 })).rejects.toMatchObject({ name: "WorkerLostError" });
    writeFileSync(gate, "");
    expect(await neighbour.get({ timeoutMs: 5000 })).toBe("done");
    expect(bench.lines(file)).toEqual(["+", "-"]);
    expect(await node.pids()).toEqual(pids);
  } finally {
    await bench.close();
  }
});
