import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Place } from "./place.ts";

const run = promisify(execFile);

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("jobs with their state in another database than their queues", () => {
  let redis: RedisServer;
  let place: Place;
  beforeEach(async () => {
    redis = await startRedis();
    place = await Place.open("memory", { app: { broker: `${redis.url}/0`, state: `${redis.url}/1` } });
  });
  afterEach(async () => {
    await place?.close();
    await redis?.stop();
  });
  const ask = async (database: number, ...command: readonly string[]) =>
    (await run("redis-cli", ["-p", String(redis.port), "-n", String(database), ...command])).stdout.trim();
  const keys = async (database: number) => (await ask(database, "KEYS", "*")).split("\n");

  it("keep records, progress and cancel flags there, and lose none of it with the queues", async () => {
    await place.work();
    const done = await place.submit();
    await place.ended(done.job_id);
    const hanging = await place.submit({ how: "hang" });
    await place.when(hanging.job_id, ({ status }) => status === "processing");
    await place.rest();
    const waiting = await place.submit();
    await place.service.cancel(waiting.job_id);

    const [queues, state] = await Promise.all([keys(0), keys(1)]);
    for (const { job_id } of [done, waiting]) expect(state.some((key) => key.endsWith(`job/${job_id}`))).toBe(true);
    expect(state.some((key) => key.includes("progress/"))).toBe(true);
    expect(queues.filter((key) => /job|progress|cancelling/.test(key))).toEqual([]);
    expect(state.filter((key) => key.includes("celery"))).toEqual([]);

    await ask(0, "FLUSHDB");
    expect(await place.service.view(done.job_id)).toMatchObject({ status: "complete", outputs: ["out.txt"] });
    expect(await place.service.view(waiting.job_id)).toMatchObject({ status: "queued", cancelling: true });
    expect(await place.service.stats()).toMatchObject({ processed: 1, queued: 1, processing: 1 });

    // Of these two nothing is left: they say so, once they are old enough not to be on their way.
    expect(await place.service.sweep()).toMatchObject({ lost: 0 });
    place.later = 61_000;
    expect(await place.service.sweep()).toMatchObject({ lost: 2 });
    expect(await place.service.view(hanging.job_id)).toMatchObject({ status: "error", error: { code: "JOB_LOST" } });
    expect(await place.service.stats()).toMatchObject({ processed: 1, failed: 2, queued: 0, processing: 0 });
  });

  it("lose no message of the queues with the state", async () => {
    const { job_id } = await place.submit();
    await ask(1, "FLUSHDB");
    await expect(place.service.view(job_id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    expect(await (await place.app.store()).broker.queues.depth(["celery"])).toEqual([1]);
    // Its files are there for it, as long as they may be wanted.
    expect(await place.service.sweep()).toMatchObject({ orphans: 0 });
    await place.work();
    await expect.poll(() => place.begun).toEqual([job_id]);
    await expect.poll(() => readdir(`${place.storage}/${job_id}`)).toContain("outputs.json");
    await place.rest();
    place.later = 3_700_000;
    expect((await place.service.sweep()).orphans).toBeGreaterThanOrEqual(1);
    expect(await readdir(place.storage)).toEqual([]);
  });
});
