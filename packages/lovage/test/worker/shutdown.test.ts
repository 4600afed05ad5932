import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { peekHeaders } from "../../dist/message/decode.js";
import { Bench } from "./node.ts";
import { isAlive, waitFor } from "./wait-for.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe.each(["async", "processes", "threads", "solo"] as const)("a cold stop of the pool %s", (pool) => {
  it("gives while(true) back within 2 s, unblamed, and leaves nothing behind", async () => {
    const node = await bench.node({ pool, concurrency: 1 }).ready();
    const file = bench.file();
    const result = await bench.app.send("t.loop", [file]);
    await bench.started(file);
    const pids = await node.pids();
    const stoppedAt = performance.now();
    node.child.kill("SIGQUIT");
    expect(await node.exited).toBe(1);
    expect(performance.now() - stoppedAt).toBeLessThan(6000);
    expect(pids.some(isAlive)).toBe(false);
    const store = await bench.app.store();
    const [waiting, ...more] = await store.broker.queues.peek("celery", 10);
    expect(more).toEqual([]);
    const headers = peekHeaders(waiting as Uint8Array);
    expect(headers).toMatchObject({ id: result.id });
    expect(headers?.lovage.deaths ?? 0).toBe(0);
    expect(headers?.lovage.lost ?? 0).toBe(0);
    expect((await store.leases.fleet()).nodes).toEqual([]);
  });
});

it("turns a warm stop cold at the second signal", async () => {
  const node = await bench.node({ pool: "processes", concurrency: 1 }).ready();
  const file = bench.file();
  await bench.app.send("t.loop", [file]);
  await bench.started(file);
  node.child.kill("SIGTERM");
  await waitFor("the warm stop", () => node.logged("shutdown.warm").length === 1);
  node.child.kill("SIGTERM");
  expect(await node.exited).toBe(1);
  expect(await bench.depth()).toBe(1);
});

it("turns a warm stop cold at its deadline", async () => {
  const node = await bench.node({ pool: "processes", concurrency: 1, shutdownTimeoutMs: 300 }).ready();
  const file = bench.file();
  await bench.app.send("t.loop", [file]);
  await bench.started(file);
  node.child.kill("SIGINT");
  expect(await node.exited).toBe(1);
  expect(await bench.depth()).toBe(1);
});

describe("a soft stop", () => {
  it("lets what runs finish, and takes nothing more", async () => {
    const node = await bench.node({ pool: "async", concurrency: 2, softShutdownMs: 10_000 }).ready();
    const [file, gate] = [bench.file(), bench.file()];
    const result = await bench.app.send("t.span", [file, gate]);
    await bench.started(file);
    node.child.kill("SIGQUIT");
    await waitFor("the end of the intake", () => node.logged("shutdown.intake-closed").length === 1);
    const late = await bench.app.send("t.add", [1, 1]);
    writeFileSync(gate, "");
    expect(await node.exited).toBe(0);
    expect([await result.state(), await late.state()]).toEqual(["SUCCESS", "PENDING"]);
    expect(node.logged("shutdown.soft")).toMatchObject([{ forMs: 10_000 }]);
  });

  it("turns cold when its time is over, and at once at the next signal", async () => {
    const patient = await bench.node({ pool: "solo", softShutdownMs: 600, name: "one" }).ready();
    const hurried = await bench.node({ pool: "solo", softShutdownMs: 60_000, name: "two" }).ready();
    const file = bench.file();
    await Promise.all([bench.app.send("t.loop", [file]), bench.app.send("t.loop", [file])]);
    await bench.started(file, 2);
    const stoppedAt = performance.now();
    for (const node of [patient, hurried]) node.child.kill("SIGQUIT");
    await waitFor("the soft stop", () => hurried.logged("shutdown.soft").length === 1);
    hurried.child.kill("SIGQUIT");
    expect(await Promise.all([patient.exited, hurried.exited])).toEqual([1, 1]);
    expect(performance.now() - stoppedAt).toBeGreaterThan(600);
    expect(await bench.depth()).toBe(2);
  });
});

it("stops cold at SIGTERM where that is wished", async () => {
  const node = await bench.node({ pool: "processes", concurrency: 1, termIsQuit: true }).ready();
  const file = bench.file();
  await bench.app.send("t.loop", [file]);
  await bench.started(file);
  node.child.kill("SIGTERM");
  expect(await node.exited).toBe(1);
  expect(node.logged("shutdown.warm")).toEqual([]);
});

it("finishes short tasks within the deadline, and another node starts the long ones within 2 s of its end", async () => {
  const node = await bench.node({ pool: "async", concurrency: 20, shutdownTimeoutMs: 1500 }).ready();
  const [short, long, gate, never] = [bench.file(), bench.file(), bench.file(), bench.file()];
  const shortOnes = await Promise.all(Array.from({ length: 10 }, () => bench.app.send("t.span", [short, gate])));
  const polite = await Promise.all(Array.from({ length: 9 }, () => bench.app.send("t.politeSpan", [long, never])));
  const deaf = await bench.app.send("t.span", [long, never]);
  await Promise.all([bench.started(short, 10), bench.started(long, 10)]);
  await bench.node({ pool: "async", concurrency: 20, name: "next" }).ready();
  node.child.kill("SIGTERM");
  await waitFor("the warm stop", () => node.logged("shutdown.warm").length === 1);
  writeFileSync(gate, "");
  expect(await node.exited).toBe(1);
  const endedAt = performance.now();
  await waitFor("the long ones on the other node", () => bench.lines(long).filter((line) => line === "+").length === 20);
  expect(performance.now() - endedAt).toBeLessThan(2000);
  expect(await Promise.all(shortOnes.map((result) => result.state()))).toEqual(Array(10).fill("SUCCESS"));
  expect(bench.lines(short)).toHaveLength(20);
  // Asked to stop, and given the time to clean up: all but the one that does not listen.
  expect(bench.lines(long).filter((line) => line === "cleaned up")).toHaveLength(9);
  writeFileSync(never, "");
  expect(await Promise.all([...polite, deaf].map((result) => result.get({ timeoutMs: 8000 })))).toEqual(Array(10).fill("done"));
  // Nobody is to blame.
  expect((await (await bench.app.store()).deadLetters.list(10)).length).toBe(0);
});

describe("exit codes", () => {
  it("64 for a concurrency that the pool cannot serve", async () => {
    const node = bench.node({ pool: "solo", concurrency: 2 });
    expect(await node.exited).toBe(64);
    expect(node.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_POOL_CONCURRENCY" }]);
  });

  it("69 when the broker does not answer at the start", async () => {
    const node = bench.node({ broker: "redis://127.0.0.1:1/0" });
    expect(await node.exited).toBe(69);
    expect(node.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_BROKER_UNAVAILABLE" }]);
  });

  it("78 when the module exports no app, or is not there", async () => {
    const [missing, wrong] = [bench.node({ app: bench.file() }), bench.node({ app: new URL("./wait-for.ts", import.meta.url).pathname })];
    expect([await missing.exited, await wrong.exited]).toEqual([78, 78]);
    expect(missing.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_APP_NOT_FOUND" }]);
    expect(wrong.logged("worker.refused")).toMatchObject([
      { code: "LOVAGE_APP_INVALID", message: expect.stringContaining("waitFor (function)") },
    ]);
  });

  it("78 for a store that other processes cannot see", async () => {
    const node = bench.node({ broker: "memory:", pool: "processes" });
    expect(await node.exited).toBe(78);
    expect(node.logged("worker.refused")).toMatchObject([{ code: "LOVAGE_STORE_NOT_SHARED" }]);
  });
});
