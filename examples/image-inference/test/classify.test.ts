import { createClient } from "@redis/client";
import { type RedisServer, startRedis } from "lovage/testing";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { type Picture, picture, Stage } from "./stage.ts";

const withoutRedis = process.env.LOVAGE_SKIP_REDIS !== undefined;

for (const kind of ["sqlite", "redis"] as const) {
  describe.skipIf(kind === "redis" && withoutRedis)(`sorting images on ${kind}, service and workers in processes of their own`, () => {
    let redis: RedisServer | undefined;
    let stage: Stage;
    let gpu: Running;
    let pictures: readonly [Picture, Picture, Picture];
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis() : undefined;
      stage = await Stage.open(redis?.url);
      const making = Promise.all([picture("photo"), picture("drawing"), picture("text")]);
      await stage.serve();
      // A second node that takes no images: it is there to see the first one die.
      [gpu] = await Promise.all([stage.gpuWorker(), stage.worker("other", "-Q", "other", "-P", "async")]);
      pictures = await making;
    });
    afterAll(async () => {
      await stage?.close();
      await redis?.stop();
    });

    /** Takes its time: seconds, on any machine. */
    const many = (length = 40) => stage.submit(...Array.from({ length }, (_, i) => ({ ...pictures[2], name: `${i}.png` })));
    const begun = (id: string) => stage.when("its first pictures", id, ({ progress }) => progress > 0);

    it("sorts the images of a job, names the damaged one, and gives all of it in a zip", { timeout: 90_000 }, async () => {
      const damaged = { name: "cut.img", file: pictures[0].file.subarray(0, pictures[0].file.length / 2) };
      const id = await stage.submit(...pictures, damaged);
      const view = await stage.ended(id);
      expect(view, stage.said()).toMatchObject({
        status: "complete",
        progress: 1,
        outputs: ["0001.jpg", "0002.jpg", "0003.jpg", "predictions.csv", "predictions.json"],
        result: { images: 4, unreadable: 1, kinds: { photo: 1, drawing: 1, text: 1 } },
      });
      const files = await stage.download(id);
      const { images } = JSON.parse(String(files.get("predictions.json"))) as {
        readonly images: readonly Readonly<Record<string, unknown>>[];
      };
      expect(images.map((each) => [each.image, each.kind])).toEqual([
        ["photo.img", "photo"],
        ["drawing.img", "drawing"],
        ["text.img", "text"],
        ["cut.img", undefined],
      ]);
      expect(images[3]).toMatchObject({ error: { code: "IMAGE_UNREADABLE" } });
      expect(String(files.get("predictions.csv")).split("\r\n")).toHaveLength(6);
      expect(await sharp(files.get("0001.jpg")).metadata()).toMatchObject({ format: "jpeg", width: 288, height: 192 });
    });

    it("is ready when its workers see the storage of the service", { timeout: 60_000 }, async () => {
      await waitFor("readiness", async () => ((await fetch(`${stage.url}/ready`)).status === 200 ? true : null), 30_000);
    });

    it("ends a job of which nothing can be read with a code", { timeout: 60_000 }, async () => {
      const view = await stage.ended(await stage.submit({ name: "cut.png", file: pictures[0].file.subarray(0, 700) }));
      expect(view).toMatchObject({ status: "error", error: { code: "IMAGE_UNREADABLE" } });
    });

    it("stops a job that runs when it is cancelled, and never begins one that waited", { timeout: 90_000 }, async () => {
      const succeeded = await stage.counted("SUCCESS");
      const [running, queued] = [await many(150), await stage.submit(...pictures)];
      await begun(running);
      const runners = await stage.gpuRunners();
      expect((await stage.view(queued)).status).toBe("queued");
      await stage.cancel(queued);
      await stage.cancel(running);
      for (const id of [running, queued]) {
        expect(await stage.ended(id)).toMatchObject({ status: "error", error: { code: "JOB_CANCELLED" } });
        expect((await fetch(`${stage.url}/download/${id}`)).status).toBe(409);
      }
      expect((await stage.view(queued)).step).toBeNull();
      expect(await stage.counted("SUCCESS")).toBe(succeeded);
      // It stopped by itself: the process with the model is there for the next one.
      expect(await stage.ended(await stage.submit(pictures[0]))).toMatchObject({ status: "complete" });
      expect(await stage.gpuRunners()).toEqual(runners);
    });

    it("has a killed worker's job back on the queue within 15 s although visibility is 4 h, and does it once", {
      timeout: 120_000,
    }, async () => {
      const succeeded = await stage.counted("SUCCESS");
      const id = await many();
      await begun(id);
      const killed = performance.now();
      gpu.child.kill("SIGKILL");
      await waitFor("the job on the queue", async () => ((await stage.waiting()) === 1 ? true : null), 15_000);
      expect(performance.now() - killed).toBeLessThan(15_000);
      gpu = await stage.gpuWorker();
      expect(await stage.ended(id), stage.said()).toMatchObject({ status: "complete", result: { images: 40 } });
      expect(await stage.counted("SUCCESS")).toBe(succeeded + 1);
    });

    it("keeps a cancel while no worker is there to see it", { timeout: 90_000 }, async () => {
      const succeeded = await stage.counted("SUCCESS");
      await gpu.stop();
      const [flagged, other] = [await stage.submit(...pictures), await stage.submit(pictures[1])];
      await stage.cancel(flagged);
      gpu = await stage.gpuWorker();
      expect(await stage.ended(other), stage.said()).toMatchObject({ status: "complete" });
      expect(await stage.ended(flagged)).toMatchObject({ status: "error", error: { code: "JOB_CANCELLED" } });
      expect(await stage.counted("SUCCESS")).toBe(succeeded + 1);
    });

    if (kind === "redis")
      it("keeps jobs and their flags in database 1, and the queue in 0: neither takes the other with it", { timeout: 90_000 }, async () => {
        const [queue, state] = await Promise.all([0, 1].map((database) => createClient({ url: `${redis?.url}/${database}` }).connect()));
        try {
          const keys = async (client = queue) => (await client?.keys("*"))?.join("\n") ?? "";
          expect(await keys(state)).toMatch(/job\//);
          expect(await keys(queue)).not.toMatch(/job\//);
          const complete = await stage.submit(pictures[0]);
          await stage.ended(complete);
          await queue?.flushDb();
          expect(await stage.view(complete)).toMatchObject({ status: "complete" });
          await gpu.stop();
          const succeeded = await stage.counted("SUCCESS");
          await stage.submit(pictures[0]);
          await state?.flushDb();
          expect(await stage.waiting()).toBe(1);
          gpu = await stage.gpuWorker();
          await waitFor("the job that nobody remembers", async () => ((await stage.counted("SUCCESS")) > succeeded ? true : null), 30_000);
        } finally {
          await Promise.all([queue?.close(), state?.close()]);
        }
      });
  });
}
