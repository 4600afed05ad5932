import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

/** At the same time: each takes the 12 s that a watchdog has to answer. */
describe.concurrent.each(["processes", "threads", "async"] as const)("a runner of the pool %s whose process is frozen", (pool) => {
  it("is ended, and what it held runs elsewhere, unblamed", { timeout: 90_000 }, async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, concurrency: 1 }).ready();
      const [file, gate] = [bench.file(), bench.file()];
      const result = await bench.app.send("t.span", [file, gate]);
      await bench.started(file);
      const [frozen = 0] = await node.pids();
      process.kill(frozen, "SIGSTOP");
      await waitFor("the end of the frozen runner", () => node.logged("runner.gone").some(({ reason }) => reason === "silent"), 45_000);
      expect(node.logged("runner.silent")).toContainEqual(expect.objectContaining({ pid: frozen }));
      await bench.started(file, 2);
      writeFileSync(gate, "");
      expect(await result.get({ timeoutMs: 10_000 })).toBe("done");
      expect(bench.lines(file)).toEqual(["+", "+", "-"]);
      expect(node.logged("runner.died")).toEqual([]);
    } finally {
      await bench.close();
    }
  });
});
