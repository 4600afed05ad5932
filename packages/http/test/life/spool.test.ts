import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JobService, JobView } from "@lovage/http";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Place, type PlaceOptions } from "./place.ts";

/** What a call to a store may take, and what is answered in less than two of these has waited for one of them at most. */
const deadlineMs = 1500;

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("jobs whose store is away, where the app has a spool", () => {
  let redis: RedisServer;
  let folder: string;
  const places: Place[] = [];
  let took: number[];
  /** As another process would: what it knows lies on the disk. */
  const open = async (own: PlaceOptions["app"] = {}) => {
    const place = await Place.open("memory", {
      app: { broker: redis.url, deadlineMs, publishFallback: "spool", spool: `sqlite:${join(folder, "spool.db")}`, ...own },
      folder,
    });
    places.push(place);
    return place;
  };
  beforeEach(async () => {
    took = [];
    redis = await startRedis({ appendOnly: true });
    folder = await mkdtemp(join(tmpdir(), "lovage-spooled-"));
  });
  afterEach(async () => {
    redis?.resume();
    for (const place of places.splice(0)) await place.close();
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function answered<T>(work: Promise<T>): Promise<T> {
    const began = performance.now();
    const answer = await work;
    took.push(performance.now() - began);
    return answer;
  }

  async function ended(service: JobService, id: string): Promise<JobView> {
    await expect.poll(async () => (await service.view(id)).status, { timeout: 20_000 }).toBe("complete");
    return service.view(id);
  }

  it.each(["down at the start", "killed at the call", "hanging"])("are taken all the same when it is %s, and run once", async (how) => {
    if (how === "down at the start") await redis.down();
    const before = await open();
    await before.service.start();
    if (how === "killed at the call") process.kill(redis.pid, "SIGKILL");
    if (how === "hanging") {
      expect(await before.submit()).toMatchObject({ accepted: "queue" });
      redis.pause();
    }
    const first = await answered(before.submit());
    expect(first).toMatchObject({ status: "queued", position: null, accepted: "spool" });
    const second = await answered(before.submit());
    expect(await answered(before.service.view(first.job_id))).toMatchObject({ status: "queued", accepted: "spool" });
    // The quickest of these: a busy machine may hold up any one of them.
    expect(Math.min(...took)).toBeLessThan(2 * deadlineMs);

    // The service ends, and another takes over what lies on the disk.
    await before.close();
    places.splice(places.indexOf(before), 1);
    if (how === "hanging") redis.resume();
    else await redis.restart();
    const after = await open();
    await after.service.start();
    await after.app.spool?.replay();
    await after.work();
    for (const { job_id } of [first, second]) expect(await ended(after.service, job_id)).toMatchObject({ outputs: ["out.txt"] });
    const ids = [first.job_id, second.job_id];
    expect(after.begun.filter((id) => ids.includes(id)).sort()).toEqual([...ids].sort());
    expect(await after.service.stats()).toMatchObject({ queued: 0, processing: 0 });
    expect(await after.service.sweep()).toMatchObject({ lost: 0, orphans: 0 });
  });

  it("are theirs who sent them while it is away, and can be deleted the moment it is back", async () => {
    const before = await open();
    await redis.down();
    const { job_id } = await before.submit();
    expect(await before.service.accessOf(job_id)).toEqual({ tokenHash: undefined, owner: undefined });
    await before.close();
    places.splice(places.indexOf(before), 1);
    await redis.restart();
    const after = await open();
    expect(await after.service.accessOf(job_id)).toBeDefined();
    expect(await after.service.delete(job_id)).toBe("deleting");
    await after.service.start();
    await expect(after.service.view(job_id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  });

  it("are not lost while they wait on the disk of another service, whose records are elsewhere", async () => {
    const state = `sqlite:${join(folder, "state.db")}`;
    const before = await open({ state });
    await redis.down();
    const { job_id, accepted } = await before.submit();
    expect(accepted).toBe("spool");
    await before.close();
    places.splice(places.indexOf(before), 1);
    await redis.restart();
    const other = await open({ state, spool: `sqlite:${join(folder, "other.db")}` });
    other.later = 120_000;
    expect(await other.service.sweep()).toMatchObject({ lost: 0 });
    expect(await other.service.view(job_id)).toMatchObject({ status: "queued" });
  });
});
