import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { JobFiles, newJobId } from "@lovage/http";
import { createApp } from "lovage";
import { startWorker } from "lovage/worker";
import sharp from "sharp";
import { expect, it } from "vitest";

it("a job that is delivered again after its outputs were published says again what is in them", async () => {
  const storage = await mkdtemp(path.join(tmpdir(), "image-tasks-"));
  process.env.IMAGE_STORAGE = storage;
  const { classify } = await import("./tasks.ts");
  const app = createApp({ name: "again", broker: "memory:", environment: false, folder: false, tasks: { classify } });
  const worker = await startWorker(app, { pool: "inline", queues: ["gpu_queue_0"], logLevel: "silent" });
  try {
    const picture = await sharp({ create: { width: 80, height: 60, channels: 3, background: "#335577" } })
      .png()
      .toBuffer();
    const files = new JobFiles(storage, newJobId());
    const file = await files.putInput(0, "png", Readable.from([picture]));
    const sha256 = createHash("sha256").update(picture).digest("hex");
    const job = { id: files.id, files: [{ name: "a.png", file, type: "image/png", bytes: picture.length, sha256 }], fields: {} };
    const first = await (await app.send(classify, [job])).get({ timeoutMs: 20_000 });
    expect(first).toMatchObject({ images: 1, unreadable: 0 });
    expect(await (await app.send(classify, [job])).get({ timeoutMs: 20_000 })).toEqual(first);
  } finally {
    await worker.stop("cold");
    await app.close();
    await rm(storage, { recursive: true, force: true });
  }
});
