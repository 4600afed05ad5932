import { rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "./node.ts";
import { isAlive, waitFor } from "./wait-for.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe.each(["processes", "threads", "async"] as const)("kill -9 of a runner of the pool %s", (pool) => {
  it("runs its task again, and brings the pool back to its size", async () => {
    const node = await bench.node({ pool, concurrency: 2 }).ready();
    const before = await node.pids();
    const file = bench.file();
    const result = await bench.app.send("t.loopOnce", [file]);
    await bench.started(file);
    for (const pid of before) process.kill(pid, "SIGKILL");
    expect(await result.get({ timeoutMs: 10_000 })).toBe("second");
    expect(bench.lines(file)).toHaveLength(2);
    const after = await waitFor("the pool's size", async () => {
      const pids = await node.pids();
      return pids.length === before.length && pids.every((pid) => !before.includes(pid)) ? pids : null;
    });
    expect(after.every(isAlive)).toBe(true);
  });
});

describe("a task that kills its runner", () => {
  it("ends in the dead letters after three deaths, as a FAILURE for its caller", async () => {
    const node = await bench.node({ pool: "solo" }).ready();
    const result = await bench.app.send("t.die", []);
    await expect(result.get({ timeoutMs: 15_000 })).rejects.toMatchObject({ name: "WorkerLostError" });
    expect(node.logged("runner.died")).toHaveLength(3);
    const store = await bench.app.store();
    expect(await store.deadLetters.list(10)).toMatchObject([{ reason: "poison" }]);
    expect(await (await bench.app.send("t.add", [1, 1])).get({ timeoutMs: 8000 })).toBe(2);
  });

  it("is never run again when it was acknowledged early", async () => {
    const node = await bench.node({ pool: "processes", concurrency: 1 }).ready();
    const file = bench.file();
    const result = await bench.app.send("t.loseOnce", [file]);
    await bench.started(file);
    process.kill((await node.pids())[0] as number, "SIGKILL");
    await expect(result.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "WorkerLostError" });
    expect(await (await bench.app.send("t.add", [1, 1])).get({ timeoutMs: 8000 })).toBe(2);
    expect(bench.lines(file)).toHaveLength(1);
  });
});

describe.each(["processes", "threads"] as const)("kill -9 of the supervisor (pool %s)", (pool) => {
  it("takes its runners along although they loop, and another node takes the work over at once", async () => {
    const node = await bench.node({ pool, concurrency: 2, name: "first" }).ready();
    const file = bench.file();
    const result = await bench.app.send("t.loopOnce", [file]);
    await bench.started(file);
    const pids = await node.pids();
    const other = bench.node({ pool, concurrency: 1, name: "second" });
    await other.ready();
    node.child.kill("SIGKILL");
    expect(await result.get({ timeoutMs: 15_000 })).toBe("second");
    await waitFor("the orphans' end", () => pids.every((pid) => !isAlive(pid)));
    expect(bench.lines(file)).toHaveLength(2);
    expect(other.logged("reaper.node-closed")).toHaveLength(1);
  });
});

describe("a node that was closed by another while it lives", () => {
  it("kills its runners and goes on under a new id", async () => {
    const node = await bench.node({ pool: "processes", concurrency: 1 }).ready();
    const store = await bench.app.store();
    const file = bench.file();
    const result = await bench.app.send("t.loopOnce", [file]);
    await bench.started(file);
    const closed = (await store.leases.fleet()).nodes[0]?.info.id as string;
    await store.leases.closeNode(closed);
    expect(await result.get({ timeoutMs: 15_000 })).toBe("second");
    expect(node.logged("lease.node-closed")).toHaveLength(1);
    const ids = (await store.leases.fleet()).nodes.map(({ info }) => info.id);
    expect(ids).toHaveLength(1);
    expect(ids).not.toContain(closed);
  });
});

describe("an app that cannot be loaded", () => {
  it("stops the node with exit code 78 instead of starting runners for ever", async () => {
    const module = bench.file();
    // Loads in the supervisor, and not in a runner.
    writeFileSync(
      `${module}.mjs`,
      `if (process.argv[1].endsWith("child.js")) throw new Error("no model file");\nexport { default } from ${JSON.stringify(new URL("./fixtures/plain-app.mjs", import.meta.url).href)};`,
    );
    const node = bench.node({ app: `${module}.mjs`, pool: "processes", concurrency: 2 });
    expect(await node.exited).toBe(78);
    expect(node.logged("worker.cannot-start")).toMatchObject([
      { code: "LOVAGE_APP_LOAD_FAILED", message: expect.stringContaining("no model file") },
    ]);
    expect(node.logged("runner.spawned").length).toBeLessThanOrEqual(4);
    rmSync(`${module}.mjs`);
  });
});
