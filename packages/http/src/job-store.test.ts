import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApp } from "lovage";
import type { StateStore } from "lovage/adapters";
import { startRedis } from "lovage/testing";
import { afterEach, describe, expect, it } from "vitest";
import type { JobRecord } from "./job-record.ts";
import { JobStore } from "./job-store.ts";
import { countersKey, statsOf } from "./life/job-counts.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Two connections to one store. */
const stores = {
  async memory() {
    return [await stateOf("memory:job-store"), await stateOf("memory:job-store")];
  },
  async sqlite() {
    const folder = await mkdtemp(join(tmpdir(), "lovage-job-store-"));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    return [await stateOf(`sqlite:${folder}/state.db`), await stateOf(`sqlite:${folder}/state.db`)];
  },
  async redis() {
    const redis = await startRedis();
    closers.push(() => redis.stop());
    return [await stateOf(`${redis.url}/1`), await stateOf(`${redis.url}/1`)];
  },
} satisfies Record<string, () => Promise<StateStore[]>>;

function stateOf(url: string): Promise<StateStore> {
  const app = createApp({ name: "x", broker: url, environment: false, folder: false, onFault() {} });
  closers.push(() => app.close());
  return app.state();
}

const recordOf = (id: string): JobRecord => ({
  ...{ id, pipeline: "p", taskId: id, queue: "q", correlationId: "c", createdAt: 1000, files: [] },
});
const progress = { fraction: 1, step: null };
const complete = (at: number) => ({ status: "complete", at, outputs: [], result: null, progress }) as const;
const failed = { status: "error", at: 3000, code: "INTERNAL", message: "", retryable: false, progress } as const;
const cancelled = { ...failed, code: "JOB_CANCELLED" };

describe.each(Object.keys(stores) as (keyof typeof stores)[])("job records on %s", (kind) => {
  it.skipIf(kind === "redis" && process.env.LOVAGE_SKIP_REDIS)(
    "lose no field and count no end twice when a hundred write at once",
    async () => {
      const [one, other] = (await stores[kind]()).map((state) => [state, new JobStore(async () => state, null)] as const);
      if (one === undefined || other === undefined) throw new Error("two");
      const [state, jobs] = one;
      await jobs.create(recordOf("a"));
      const writers = Array.from({ length: 100 }, (_, i) => [i, i % 2 === 0 ? jobs : other[1]] as const);
      await Promise.all(
        writers.map(([i, store]) =>
          store.update("a", (record) => {
            if (i === 50) return { ...record, startedAt: 1500 };
            if (i % 10 === 5) return record.end ? null : { ...record, end: i % 20 === 5 ? complete(3000) : failed };
            if (i === 60) return { ...record, cancelRequestedAt: 1700 };
            // Nobody takes back what was said.
            const { startedAt: _, end: __, ...rest } = record;
            return { ...rest, [`field${i}`]: i } as JobRecord;
          }),
        ),
      );
      const found = await jobs.get("a");
      expect(found).toMatchObject({ cancelRequestedAt: 1700, end: { at: 3000 } });
      for (const [i] of writers) if (i % 10 !== 5 && i !== 50 && i !== 60) expect(found).toHaveProperty(`field${i}`, i);
      const stats = statsOf(await state.add(countersKey("p"), {}), null);
      expect(stats.processed + stats.failed).toBe(1);
      expect(stats).toMatchObject({ queued: 0, processing: 0 });
    },
  );
});

describe("counters of jobs", () => {
  it("are exact after ten thousand jobs that several ended at once", async () => {
    const [state] = await stores.memory();
    if (state === undefined) throw new Error("none");
    const jobs = new JobStore(async () => state, null);
    const ends = Array.from({ length: 10_000 }, (_, i) => (i % 10 === 0 ? failed : i % 10 === 1 ? cancelled : complete(1000 + i)));
    for (const [i, end] of ends.entries()) {
      const id = String(i);
      await jobs.create(recordOf(id));
      if (i % 3 === 0) await jobs.update(id, (record) => ({ ...record, startedAt: 1000 }));
      // A watch, a status request and a sweep.
      if (i < 9990) await Promise.all([1, 2, 3].map(() => jobs.update(id, (record) => (record.end ? null : { ...record, end }))));
    }
    const stats = statsOf(await state.add(countersKey("p"), {}), null);
    expect(stats).toMatchObject({ processed: 7992, failed: 999, cancelled: 999, queued: 6, processing: 4 });
    const exact = ends.flatMap((end, i) => (end.status === "complete" && i < 9990 ? [i] : [])).sort((a, b) => a - b);
    expect(stats.avg_seconds).toBeCloseTo(exact.reduce((sum, ms) => sum + ms, 0) / exact.length / 1000, 9);
    for (const [q, told] of [
      [0.5, stats.p50],
      [0.95, stats.p95],
    ] as const) {
      const right = (exact[Math.ceil(exact.length * q) - 1] ?? 0) / 1000;
      expect(Math.abs(Number(told) - right) / right).toBeLessThan(0.05);
    }
  });

  it("forget a job that is taken back, and no other", async () => {
    const [state] = await stores.memory();
    if (state === undefined) throw new Error("none");
    const jobs = new JobStore(async () => state, null);
    for (const id of ["a", "b", "c"]) await jobs.create(recordOf(id));
    await jobs.update("b", (record) => ({ ...record, startedAt: 1 }));
    await jobs.update("c", (record) => ({ ...record, end: failed }));
    for (const id of ["a", "b", "c", "a"]) await jobs.delete(id);
    expect(statsOf(await state.add(countersKey("p"), {}), null)).toMatchObject({ queued: 0, processing: 0, failed: 1 });
    expect(await jobs.create(recordOf("a"))).toBe(true);
    expect(await jobs.create(recordOf("a"))).toBe(false);
  });
});
