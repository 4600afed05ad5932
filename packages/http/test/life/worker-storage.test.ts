import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { JobFiles, type JobInput, openStorage, type StorageSpec } from "@lovage/http";
import { defineTask } from "lovage";
import { afterEach, describe, expect, it } from "vitest";
import { Place } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

const key = (id: string) => [{ id, key: randomBytes(32) }];

const read = (files: JobFiles, job: JobInput) => files.withInput(job.files[0]?.file ?? "", () => undefined);
const publish = (files: JobFiles) => files.publishOutputs((folder) => writeFile(join(folder, "out.txt"), "done"));

/** A job whose worker uses `seen`. */
async function jobOn(
  stored: (folder: string) => StorageSpec,
  seen: (folder: string) => StorageSpec,
  use: (files: JobFiles, job: JobInput) => Promise<unknown>,
) {
  const work = defineTask("life.read", async (job: JobInput) => void (await use(new JobFiles(seen(place.storage), job.id), job)));
  place = await Place.open("memory", { app: { tasks: { work } }, pipeline: { task: work } });
  const service = place.another({ storage: stored(place.storage) });
  try {
    const { job_id } = await place.submit({}, service);
    await place.work();
    return await place.when(job_id, ({ status }) => status === "error", service);
  } finally {
    await service.close();
  }
}

describe("a job whose worker", () => {
  it.each([
    ["reads", read],
    ["publishes", publish],
  ])("%s with another key than the service's says so, and may be sent again", async (_what, use) => {
    const view = await jobOn(
      (url) => ({ url, encryption: key("ours") }),
      (url) => ({ url, encryption: key("theirs") }),
      use,
    );
    expect(view.error).toMatchObject({ code: "STORAGE_KEY_UNKNOWN", retryable: true });
  });

  it("finds its folder gone says so, and not where it was", async () => {
    const view = await jobOn(
      (url) => url,
      (url) => url,
      async (files, job) => {
        await rm(place.storage, { recursive: true });
        await read(files, job);
      },
    );
    expect(view.error).toMatchObject({ code: "STORAGE_OBJECT_MISSING", retryable: false });
    expect(view.error?.message).not.toContain(place.storage);
  });

  it("has ended while its service can't look at the outputs ends when it can; who runs the service hears of it once", async () => {
    const faults: unknown[] = [];
    place = await Place.open("memory");
    const storage = openStorage({ url: place.storage });
    const service = place.another({ storage, onFault: (error) => faults.push(error) });
    const reads = storage.read.bind(storage);
    let fails = 2;
    storage.read = async (key, range) => {
      if (fails-- > 0) throw new Error("the disk is tired");
      return reads(key, range);
    };
    const { job_id } = await place.submit({}, service);
    await place.work();
    expect(await place.when(job_id, ({ status }) => status === "complete", service)).toMatchObject({ outputs: ["out.txt"] });
    expect(faults.map(String)).toEqual(["Error: the disk is tired"]);
    await service.close();
  });
});
