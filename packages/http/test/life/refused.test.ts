/** Uploads that go wrong, and whose clean-up goes wrong too. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobFiles, type JobInput, type JobStorage } from "@lovage/http";
import { defineTask } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderStorage } from "../../dist/storage/folder-storage.js";
import { Place } from "./place.ts";

/** A folder, on a disk that fails where a test says so. */
class FailingDisk extends FolderStorage implements JobStorage {
  failing: "remove" | "keep" | undefined;
  readonly removed: string[] = [];
  override async put(...[key, ...rest]: Parameters<FolderStorage["put"]>): Promise<boolean> {
    if (this.failing === "keep" && key.startsWith("spooled/")) throw new Error("the disk fails to keep");
    return super.put(key, ...rest);
  }
  override async remove(prefix: string): Promise<void> {
    if (this.failing === "remove") throw new Error("the disk fails to remove");
    await super.remove(prefix);
    this.removed.push(prefix);
  }
}

let folder: string;
let disk: FailingDisk;
let place: Place;
let faults: unknown[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-refused-"));
  disk = new FailingDisk(join(folder, "jobs"));
  faults = [];
});
afterEach(async () => {
  await place?.close();
  await rm(folder, { recursive: true, force: true });
});
const service = () => ({ storage: disk, onFault: (error: unknown) => faults.push(error), orphanGraceMs: 0 });
async function filesLeft(): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of disk.list("")) keys.push(key);
  return keys;
}

it("says why an upload was refused, not that its files could not be removed; the sweeper removes them", async () => {
  const checkUpload = () => ({ code: "PICTURE_UGLY", message: "It is ugly." });
  const upload = { accept: ["image/png"], maxBytes: 10_000, maxFiles: 1, checkUpload };
  place = await Place.open("memory", { folder, service: service(), pipeline: { upload } });
  disk.failing = "remove";
  await expect(place.submit()).rejects.toMatchObject({ code: "PICTURE_UGLY" });
  expect(faults.map(String)).toEqual(["Error: the disk fails to remove"]);
  disk.failing = undefined;
  expect(await filesLeft()).toHaveLength(1);
  place.later = 10;
  expect(await place.service.sweep()).toMatchObject({ orphans: 1 });
  expect(await filesLeft()).toEqual([]);
});

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("a job that was sent into a spool", () => {
  let redis: RedisServer;
  afterEach(() => redis?.stop());

  it("and whose record can't be kept is taken back", { timeout: 40_000 }, async () => {
    redis = await startRedis({ appendOnly: true });
    const app = { broker: redis.url, deadlineMs: 1500, publishFallback: "spool", spool: `sqlite:${join(folder, "spool.db")}` } as const;
    place = await Place.open("memory", { folder, service: service(), app });
    await redis.down();
    disk.failing = "keep";
    await expect(place.submit()).rejects.toMatchObject({ code: "INTERNAL" });
    expect(await filesLeft()).toEqual([]);
    expect(await place.app.spool?.status()).toMatchObject({ waiting: 1 });
    await redis.restart();
    await place.app.spool?.replay();
    // At once for its client; and again when it has been taken back.
    const [id] = disk.removed.filter((prefix) => !prefix.startsWith("spooled/"));
    await expect.poll(() => disk.removed.filter((prefix) => prefix === id).length, { timeout: 20_000 }).toBe(2);
    await place.work();
    disk.failing = undefined;
    const { job_id } = await place.submit();
    await place.ended(job_id);
    expect(place.begun).toEqual([job_id]);
  });

  it("and whose service dies before it takes it back tells its worker that its files are gone", { timeout: 40_000 }, async () => {
    redis = await startRedis({ appendOnly: true });
    const ends: unknown[] = [];
    const work = defineTask("life.read", async (job: JobInput) => {
      const files = new JobFiles(disk, job.id);
      const { file = "" } = job.files[0] ?? {};
      for (const read of [() => files.openInput(file), () => files.withInput(file, () => undefined)])
        await read().catch(({ code }) => ends.push(code));
    });
    const spooling = { deadlineMs: 1500, publishFallback: "spool", spool: `sqlite:${join(folder, "spool.db")}` } as const;
    const app = { broker: redis.url, tasks: { work }, ...spooling };
    place = await Place.open("memory", { folder, service: service(), app, pipeline: { task: work } });
    await redis.down();
    disk.failing = "keep";
    await expect(place.submit()).rejects.toMatchObject({ code: "INTERNAL" });
    await place.service.close();
    await redis.restart();
    await place.app.spool?.replay();
    await place.work();
    await expect.poll(() => ends, { timeout: 20_000 }).toEqual(["STORAGE_OBJECT_MISSING", "STORAGE_OBJECT_MISSING"]);
  });
});
