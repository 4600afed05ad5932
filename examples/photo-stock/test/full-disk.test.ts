import path from "node:path";
import { leavesOut, SmallDisk } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Photo, photo, Stage } from "./stage.ts";

describe.skipIf(leavesOut("a full disk", SmallDisk.refusal()))("a full disk under the outputs of the pipeline", () => {
  let disk: SmallDisk;
  let stage: Stage;
  let picture: Photo;
  beforeAll(async () => {
    disk = new SmallDisk(4);
    stage = await Stage.open();
    stage.environment.PHOTO_STOCK_STORAGE = path.join(disk.folder, "jobs");
    stage.environment.PHOTO_STOCK_DATABASE = path.join(stage.folder, "stock.db");
    [picture] = await Promise.all([photo(7), stage.dev()]);
  });
  afterAll(async () => {
    await stage?.close();
    disk?.unmount();
  });

  it("ends the job with a code, books nothing, and does the same photo once there is space", { timeout: 60_000 }, async () => {
    // Enough for the upload, too little for the annotated picture.
    disk.fill(picture.file.length + 20_000);
    const refused = await stage.ended(await stage.submit(picture));
    expect(refused).toMatchObject({ status: "error", error: { code: "STORAGE_FULL", retryable: true } });
    expect(refused.outputs).toBeUndefined();
    expect(stage.movements()).toEqual([]);
    await disk.free();
    expect(await stage.ended(await stage.submit(picture))).toMatchObject({
      status: "complete",
      outputs: expect.arrayContaining(["report.json"]),
    });
    expect(stage.movements()).toHaveLength(1);
  });
});
