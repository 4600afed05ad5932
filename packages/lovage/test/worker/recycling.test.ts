import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Bench } from "./node.ts";

describe.each(["async", "processes", "threads", "solo"] as const)("a runner of the pool %s", (pool) => {
  it("is replaced after maxTasksPerChild tasks, and none is lost", async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, concurrency: 1, maxTasksPerChild: 5 }).ready();
      const sent = await Promise.all(Array.from({ length: 20 }, () => bench.app.send("t.who", [])));
      const ran = await Promise.all(sent.map((result) => result.get({ timeoutMs: 15_000 })));
      const counts = new Map<string, number>();
      for (const who of ran.map(String)) counts.set(who, (counts.get(who) ?? 0) + 1);
      expect([...counts.values()]).toEqual([5, 5, 5, 5]);
      expect(node.logged("runner.died")).toEqual([]);
    } finally {
      await bench.close();
    }
  });

  it("is replaced between tasks when it has grown above maxMemoryPerChild", async () => {
    const bench = new Bench();
    try {
      const node = await bench.node({ pool, concurrency: 1, maxMemoryPerChild: 220_000 }).ready();
      const first = await (await bench.app.send("t.who", [])).get({ timeoutMs: 10_000 });
      const second = await (await bench.app.send("t.hoard", [250])).get({ timeoutMs: 15_000 });
      const third = await (await bench.app.send("t.who", [])).get({ timeoutMs: 15_000 });
      expect(second).toBe(first);
      expect(third).not.toBe(first);
      expect(node.logged("runner.recycle")).toMatchObject([{ why: "max-memory" }]);
    } finally {
      await bench.close();
    }
  });
});

it("lets neighbours of a runner of many slots finish, while the next one serves", async () => {
  const bench = new Bench();
  try {
    const node = await bench.node({ pool: "async", concurrency: 4, maxTasksPerChild: 5 }).ready();
    const [file, gate] = [bench.file(), bench.file()];
    const neighbour = await bench.app.send("t.span", [file, gate]);
    await bench.started(file);
    const sent = await Promise.all(Array.from({ length: 20 }, () => bench.app.send("t.who", [])));
    const ran = await Promise.all(sent.map((result) => result.get({ timeoutMs: 15_000 })));
    // Four of the first, with the neighbour as its fifth; then five each.
    expect(new Set(ran).size).toBe(5);
    expect(await neighbour.state()).toBe("PENDING");
    writeFileSync(gate, "");
    expect(await neighbour.get({ timeoutMs: 5000 })).toBe("done");
    expect(bench.lines(file)).toEqual(["+", "-"]);
    expect(node.logged("runner.died")).toEqual([]);
  } finally {
    await bench.close();
  }
});
