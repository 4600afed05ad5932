import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Bench } from "./node.ts";

/** Seconds, of the whole worker: `--soft-time-limit`, `--time-limit`. */
const [softTimeLimit, timeLimit] = [0.4, 1.2];

/** At the same time: each waits for limits. */
describe.concurrent.each(["async", "processes", "threads", "solo"] as const)("limits of a whole worker of the pool %s", (pool) => {
  it("hold for what has none of its own, leave time to clean up, and give way to those of a call", { timeout: 60_000 }, async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, concurrency: pool === "solo" ? 1 : 3, softTimeLimit, timeLimit }).ready();
      const [file, never, loop, gate, long] = [bench.file(), bench.file(), bench.file(), bench.file(), bench.file()];
      const polite = await bench.app.send("t.politeSpan", [file, never]);
      await expect(polite.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "SoftTimeLimitError" });
      expect(bench.lines(file)).toEqual(["+", "cleaned up"]);
      expect((await polite.info())?.document).toMatchObject({ result: { exc_type: "SoftTimeLimitExceeded" } });
      const deaf = await bench.app.send("t.loop", [loop]);
      await expect(deaf.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "TimeLimitError" });
      expect((await deaf.info())?.document).toMatchObject({ result: { exc_type: "TimeLimitExceeded", exc_message: [timeLimit] } });
      // Those of a call win.
      const lasting = await bench.app.send("t.span", [long, gate], { timeLimit: 60, softTimeLimit: 50 });
      await bench.started(long);
      await sleep(1000 * timeLimit + 300);
      writeFileSync(gate, "");
      expect(await lasting.get({ timeoutMs: 10_000 })).toBe("done");
      expect(bench.lines(loop)).toHaveLength(1);
      expect(node.logged("runner.died")).toEqual([]);
    } finally {
      await bench.close();
    }
  });
});
