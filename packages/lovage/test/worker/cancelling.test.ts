/** Cancel and revoke as callers see them: whole workflows, workers that were down, signals, and what is said while code runs on. */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AsyncResult, chain, chord, type GroupResult, group, remoteTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bench, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

const app = fileURLToPath(new URL("./fixtures/cancel-app.ts", import.meta.url));
const ran = remoteTask<unknown[], void>("c.ran");
const member = remoteTask<[file: string, gate: string], string>("c.member");
const join = remoteTask<[before: unknown, file: string], unknown>("c.join");

const ended = (result: AsyncResult) => result.get({ timeoutMs: 15_000 }).catch((error: Error) => error.name);

it("runs none of a thousand tasks that were revoked while all workers were down, and tells chords and their errbacks", async () => {
  const bench = new Bench();
  try {
    const [file, gate, told] = [bench.file(), bench.file(), bench.file()];
    const plain = await bench.app.sendMany(
      member,
      Array.from({ length: 991 }, () => [file, gate] as [string, string]),
    );
    const header = Array.from({ length: 9 }, () => member.s(file, gate));
    const joined = await bench.app.send(chord(header, join.s(file).linkError(ran.si(told, "errback"))));
    const { results } = joined.parent as GroupResult;
    const all = [...plain, ...(results as readonly AsyncResult[])];
    expect(all).toHaveLength(1000);
    await bench.app.revoke(all.map(({ id }) => id));
    const node = await bench.node({ app, pool: "async" }).ready();
    expect(await ended(joined)).toBe("ChordError");
    await waitFor("the ends of all", async () => (await Promise.all(all.map((result) => result.ready()))).every(Boolean), 20_000);
    expect(new Set(await Promise.all(all.map((result) => result.state())))).toEqual(new Set(["REVOKED"]));
    await waitFor("the errback", () => bench.lines(told).length > 0);
    expect(bench.lines(file)).toEqual([]);
    expect(node.logged("task.failed")).toEqual([]);
  } finally {
    await bench.close();
  }
}, 40_000);

describe("on nodes of three pools", () => {
  const bench = new Bench();
  let nodes: { readonly async: WorkerNode; readonly processes: WorkerNode };
  beforeAll(async () => {
    const open = (pool: string, concurrency: number) =>
      bench.node({ app, pool, concurrency, queues: [pool, ...(pool === "async" ? ["celery"] : [])], name: `${pool}@%h` }).ready();
    const [async, processes] = await Promise.all([open("async", 10), open("processes", 2), open("inline", 2)]);
    nodes = { async, processes };
  }, 30_000);
  afterAll(() => bench.close());

  describe("three chords in a chain, cancelled in the middle of the second", () => {
    /** Told to stop: by its root, its tag, its correlation id, its handle. */
    const hows: Readonly<Record<string, (last: AsyncResult, first: string) => Promise<unknown>>> = {
      root: (_, first) => bench.app.revoke({ root: first }, { terminate: true }),
      tag: (_, first) => bench.app.revoke({ tag: `user:${first}` }, { terminate: true }),
      "correlation id": (_, first) => bench.app.revoke({ correlationId: first }, { terminate: true }),
      handle: (last) => last.revoke({ whole: true, terminate: true }),
    };
    it.each(Object.keys(hows))("by its %s: what runs is told, nothing new starts, no body runs", async (how) => {
      const [file, gate, never, bodies] = [bench.file(), bench.file(), bench.file(), bench.file()];
      const first = randomUUID();
      const family = { tags: [`user:${first}`], correlationId: first };
      const level = (waitsFor: string) => [group([1, 2, 3].map(() => member.si(file, waitsFor))), join.s(bodies)] as const;
      const [one, two, three] = [level(gate), level(never), level(never)];
      const whole = chain(ran.si(bench.file()).set({ taskId: first }), one[0], one[1], two[0], two[1], three[0], three[1]);
      const last = (await bench.app.send(whole, family)) as AsyncResult;
      await bench.started(file, 3);
      writeFileSync(gate, "");
      await bench.started(file, 6);
      expect(bench.lines(bodies)).toHaveLength(1);
      await hows[how]?.(last, first);
      await waitFor("all to be told", () => bench.lines(file).filter((line) => line.endsWith("TaskRevokedError")).length === 3);
      expect(await ended(last)).toMatch(/ChordError|TaskRevokedError/);
      expect(await bench.app.revoke({ tag: `user:${first}` }, { dryRun: true })).toEqual({ waiting: 0, parked: 0, running: 0 });
      expect(bench.lines(file)).toHaveLength(9);
      expect(bench.lines(bodies)).toHaveLength(1);
    });
  });

  describe("CANCELLING", () => {
    it("is what callers see while code runs that was told to stop, and Celery's document never says so", async () => {
      const [file, gate, beside] = [bench.file(), bench.file(), bench.file()];
      const neighbour = await bench.app.send("c.deaf", [bench.file(), beside], { queue: "async" });
      const deaf = await bench.app.send("c.deaf", [file, gate], { queue: "async" });
      await bench.started(file);
      await deaf.revoke({ terminate: true, killAfterMs: 50 });
      await waitFor("the caller to see it", async () => (await deaf.state()) === "CANCELLING");
      expect(await deaf.info()).toBeUndefined();
      expect(await deaf.ready()).toBe(false);
      // The neighbour's end is what its runner waits for.
      writeFileSync(beside, "");
      expect(await ended(deaf)).toBe("TaskRevokedError");
      expect(await deaf.state()).toBe("REVOKED");
      expect(await neighbour.get({ timeoutMs: 5000 })).toBeNull();
    });

    it("stays where nothing can be killed, until the code returns by itself", async () => {
      const [file, gate] = [bench.file(), bench.file()];
      const deaf = await bench.app.send("c.deaf", [file, gate], { queue: "inline" });
      await bench.started(file);
      await deaf.revoke({ terminate: true, killAfterMs: 10 });
      await waitFor("the caller to see it", async () => (await deaf.state()) === "CANCELLING");
      writeFileSync(gate, "");
      expect(await deaf.get({ timeoutMs: 5000 })).toBeNull();
    });
  });

  describe("signals", () => {
    it("SIGUSR1 asks softly, and kills nothing", async () => {
      const [file, deafFile, gate] = [bench.file(), bench.file(), bench.file()];
      const to = { queue: "processes" };
      const [soft, deaf] = [await bench.app.send("c.soft", [file], to), await bench.app.send("c.deaf", [deafFile, gate], to)];
      await Promise.all([bench.started(file), bench.started(deafFile)]);
      await bench.app.revoke([soft.id, deaf.id], { terminate: true, signal: "SIGUSR1" });
      expect(await ended(soft)).toBe("TaskRevokedError");
      expect(bench.lines(file)).toEqual(["start", "soft"]);
      await waitFor("the caller to see it", async () => (await deaf.state()) === "CANCELLING");
      writeFileSync(gate, "");
      expect(await deaf.get({ timeoutMs: 5000 })).toBeNull();
      expect(nodes.processes.logged("task.terminating")).toEqual([]);
    });

    it("SIGKILL ends it at once, whatever the time to stop is", async () => {
      const file = bench.file();
      const deaf = await bench.app.send("c.deaf", [file, bench.file()], { queue: "processes" });
      await bench.started(file);
      const from = performance.now();
      await deaf.revoke({ terminate: true, signal: "SIGKILL" });
      expect(await ended(deaf)).toBe("TaskRevokedError");
      expect(performance.now() - from).toBeLessThan(bench.app.config.killAfterMs);
    });

    it("others go to a process that runs this one task, and to none that runs more", async () => {
      for (const [queue, heard] of [
        ["processes", ["start", "SIGUSR2"]],
        ["async", ["start"]],
      ] as const) {
        const [file, gate] = [bench.file(), bench.file()];
        const told = await bench.app.send("c.handles", [file, gate], { queue });
        await bench.started(file);
        await told.revoke({ terminate: true, signal: "SIGUSR2", killAfterMs: 60_000 });
        await waitFor("the caller to see it", async () => (await told.state()) === "CANCELLING");
        await bench.started(file, heard.length);
        writeFileSync(gate, "");
        expect(await told.get({ timeoutMs: 5000 })).toBeNull();
        expect(bench.lines(file)).toEqual(heard);
      }
      expect(nodes.async.logged("runner.died")).toEqual([]);
    });
  });

  it("ends a task that is tried again and again, between two tries or in one", async () => {
    const file = bench.file();
    const again = await bench.app.send("c.again", [file], { queue: "async" });
    await bench.started(file, 3);
    await again.revoke({ terminate: true });
    expect(await ended(again)).toBe("TaskRevokedError");
    const { length } = bench.lines(file);
    expect(await bench.app.revoke(again.id, { dryRun: true })).toEqual({ waiting: 0, parked: 0, running: 0 });
    expect(bench.lines(file)).toHaveLength(length);
  });
});
