import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { JobFiles, type JobInput, type StorageSpec } from "@lovage/http";
import { defineTask } from "lovage";
import { afterEach, describe, expect, it } from "vitest";
import { Place } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

const key = (id: string) => [{ id, key: randomBytes(32) }];

/** A job whose worker reads what was uploaded from `seen`, after `before`. */
async function jobOn(
  stored: (folder: string) => StorageSpec,
  seen: (folder: string) => StorageSpec,
  before = async () => undefined as unknown,
) {
  const work = defineTask("life.read", async (job: JobInput) => {
    await before();
    const files = new JobFiles(seen(place.storage), job.id);
    await files.withInput(job.files[0]?.file ?? "", () => undefined);
  });
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
  it("has another key than the service says so, and may be sent again", async () => {
    const view = await jobOn(
      (url) => ({ url, encryption: key("ours") }),
      (url) => ({ url, encryption: key("theirs") }),
    );
    expect(view.error).toMatchObject({ code: "STORAGE_KEY_UNKNOWN", retryable: true });
  });

  it("finds its folder gone says so, and not where it was", async () => {
    const view = await jobOn(
      (url) => url,
      (url) => url,
      () => rm(place.storage, { recursive: true }),
    );
    expect(view.error).toMatchObject({ code: "STORAGE_OBJECT_MISSING", retryable: false });
    expect(view.error?.message).not.toContain(place.storage);
  });
});
