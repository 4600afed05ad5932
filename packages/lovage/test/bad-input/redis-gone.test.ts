import { writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "lovage";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { WorkerNode } from "../worker/node.ts";
import { waitFor } from "../worker/wait-for.ts";
import { runCli } from "./cli.ts";
import { Place, skips } from "./place.ts";

const door = JSON.stringify(import.meta.resolve("lovage"));

/** The deadline is 2 s; what is above it is what a loaded machine may take to run a timer. */
const refusedWithinMs = 4000;

describe("no Redis at the start", () => {
  let folder = "";
  let url = "";
  beforeAll(async () => {
    url = `redis://127.0.0.1:${await portOfNobody()}`;
    folder = await mkdtemp(join(tmpdir(), "lovage-redis-gone-"));
    await writeFile(join(folder, "app.mjs"), `import { createApp } from ${door};\nexport default createApp();\n`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.concurrent.each([
    ["a worker", ["worker", "-A", "app", "-P", "processes", "-c", "4"]],
    ["a question for nodes", ["status", "-A", "app"]],
    ["a call", ["call", "-A", "app", "some.task"]],
    ["a question for a result", ["result", "-A", "app", "id", "--wait"]],
    ["a purge", ["purge", "-A", "app", "-Q", "celery", "-f"]],
  ])("%s ends within seconds with one line and exit code 69", async (_, args) => {
    const { code, stderr, stdout, tookMs } = await runCli(args, { cwd: folder, env: { REDIS_URL: url } });
    expect(code, stderr).toBe(69);
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringContaining("[LOVAGE_BROKER_UNAVAILABLE]")]);
    expect(stderr).toContain(`${url} did not answer`);
    expect(stdout).not.toContain("ready.");
    expect(tookMs).toBeLessThan(8000);
  });

  it.concurrent("sending is refused at its deadline of 2 s, the first time as the tenth, with the id for a safe second try", async () => {
    const app = createApp({ name: "hopeful", broker: url, environment: false, folder: false, onFault: () => {} });
    try {
      const calls = Array.from({ length: 10 }, async (_, i) => {
        const taskId = `call-${i}`;
        const started = performance.now();
        const error = await app.send("some.task", [], { taskId }).catch((caught: unknown) => caught);
        expect(error).toMatchObject({ code: "LOVAGE_BROKER_UNAVAILABLE", details: { maybeAccepted: false, taskIds: [taskId] } });
        return performance.now() - started;
      });
      expect(Math.max(...(await Promise.all(calls)))).toBeLessThan(refusedWithinMs);
      const again = performance.now();
      await expect(app.send("some.task", [])).rejects.toMatchObject({ name: "BrokerUnavailableError" });
      expect(performance.now() - again).toBeLessThan(refusedWithinMs);
    } finally {
      await app.close();
    }
  });
});

describe.skipIf(skips("redis"))("a Redis that goes away while 200 tasks are under way", () => {
  const tasks = 200;
  let place: Place;
  let node: WorkerNode;
  let file = "";
  let gate = "";
  beforeEach(async () => {
    place = await Place.open("redis", { redis: { appendOnly: true } });
    node = await place.node({ pool: "async", concurrency: 100 });
    file = place.file();
    gate = place.file();
  });
  afterEach(() => place.close());

  /** 100 of them run, the others wait in the queue. */
  async function underWay() {
    const results = await Promise.all(Array.from({ length: tasks }, (_, i) => place.app.send("bad.span", [file, gate, i])));
    await waitFor("100 runs", () => place.lines(file).length >= 100, 15_000);
    return results;
  }

  /** Each has its result, each ran once, and the worker is the one that it was. */
  async function expectAllDone(results: Awaited<ReturnType<typeof underWay>>, pids: readonly number[]): Promise<void> {
    const values = await Promise.all(results.map((result) => result.get({ timeoutMs: 40_000 }))).catch((error: Error) => {
      throw new Error(`${error.message}\n${place.tails()}`);
    });
    expect(values).toEqual(results.map((_, i) => i));
    const runs = place.lines(file).filter((line) => line.startsWith("+"));
    expect(runs.toSorted()).toEqual(results.map((_, i) => `+${i}`).toSorted());
    expect(await node.pids()).toEqual(pids);
    const outage = node.lines.filter(({ event }) => event.startsWith("runner.store-"));
    expect(outage[0]).toMatchObject({ event: "runner.store-down", forMs: 0 });
    // In between, at most every tenth try says that it still is away.
    expect(outage.slice(1, -1).every(({ event, forMs }) => event === "runner.store-down" && Number(forMs) > 2000)).toBe(true);
    expect(outage.at(-1)).toMatchObject({ event: "runner.store-back", downMs: expect.toSatisfy(Number.isInteger) });
    expect(await place.depth()).toBe(0);
    expect(await place.deadLetters()).toEqual([]);
    // And what comes later is done as ever.
    expect(await (await place.app.send("bad.echo", ["later"])).get({ timeoutMs: 10_000 })).toBe("later");
  }

  it("by kill -9, and comes back from its file: all are done, once", { timeout: 90_000 }, async () => {
    const pids = await node.pids();
    const results = await underWay();
    const { redis } = place;
    process.kill(redis?.pid ?? 0, "SIGKILL");
    // They end while nobody can take their outcomes.
    writeFileSync(gate, "");
    await waitFor("the ends of 100 runs", () => place.lines(file).filter((line) => line.startsWith("-")).length >= 100);
    await waitFor("the runner to notice", () => node.logged("runner.store-down").length > 0);
    await expect(place.app.send("bad.echo", [1])).rejects.toMatchObject({ name: "BrokerUnavailableError" });
    await redis?.restart();
    await expectAllDone(results, pids);
    // Lost connections are lines of the log like all others, the supervisor's and the runner's.
    const faults = node.logged("store.fault");
    expect(faults).toContainEqual(expect.objectContaining({ code: "LOVAGE_CONNECTION_LOST", pid: pids[0] }));
    expect(faults).toContainEqual(expect.not.objectContaining({ pid: expect.anything() }));
    expect(node.other).not.toContain("Warning");
  });

  it("by freezing for seconds: all are done, once", { timeout: 90_000 }, async () => {
    const pids = await node.pids();
    const results = await underWay();
    place.redis?.pause();
    writeFileSync(gate, "");
    // Each takes its two seconds; nobody can know whether the frozen server has got it.
    for (const taskId of ["first", "second"]) {
      const sent = place.app.send("bad.echo", [taskId], { taskId });
      await expect(sent).rejects.toMatchObject({ code: "LOVAGE_BROKER_UNAVAILABLE", details: { taskIds: [taskId] } });
    }
    await waitFor("the runner to notice", () => node.logged("runner.store-down").length > 0);
    place.redis?.resume();
    await expectAllDone(results, pids);
  });
});

async function portOfNobody(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 1;
}
