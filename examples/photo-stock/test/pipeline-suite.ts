import { createHash } from "node:crypto";
import path from "node:path";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { isClose, type Photo, photo, Stage } from "./stage.ts";

/** The same on each store; a file for each, so that they run side by side. */
const sha256 = ({ file }: Photo) => createHash("sha256").update(file).digest("hex");

export function pipelineSuite(kind: "sqlite" | "redis"): void {
  const skip = kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined;
  describe.skipIf(skip)(`the photo pipeline on ${kind}, each node in a terminal of its own`, () => {
    let redis: RedisServer | undefined;
    let stage: Stage;
    let photos: readonly [Photo, Photo];
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis({ appendOnly: true }) : undefined;
      stage = await Stage.open(redis?.url);
      [photos] = await Promise.all([Promise.all([photo(7), photo(17)]), stage.terminals()]);
    });
    afterAll(async () => {
      await stage?.close();
      await redis?.stop();
    });

    it("counts two photos at once, keeps them apart, and books each once", { timeout: 90_000 }, async () => {
      const ids = await Promise.all(photos.map((each) => stage.submit(each)));
      const views = await Promise.all(ids.map((id) => stage.ended(id)));
      for (const [i, { name, truth, ...rest }] of photos.entries()) {
        const id = ids[i] ?? "";
        expect(views[i], stage.said()).toMatchObject({
          status: "complete",
          progress: 1,
          outputs: ["annotated.png", "report.csv", "report.json"],
        });
        const report = await stage.report(id);
        expect(report.photo).toBe(name);
        expect(report.objects).toHaveLength(report.total);
        expect(isClose(report.total, truth), `${report.total} of ${truth}`).toBe(true);
        const csv = (await stage.output(id, "report.csv")).trimEnd().split("\n");
        expect(csv[0]).toBe("x,y,width,height,score");
        expect(csv).toHaveLength(report.total + 1);
        const booked = stage.movements().filter(({ photoSha256 }) => photoSha256 === sha256({ name, truth, ...rest }));
        expect(booked).toEqual([{ photoSha256: booked[0]?.photoSha256, quantity: report.total }]);
      }
      expect(stage.movements()).toHaveLength(2);
    });

    it("gives the same report for the same photo, and books nothing more", { timeout: 90_000 }, async () => {
      const [first] = photos;
      const ids = [await stage.submit(first), await stage.submit(first)];
      const before = stage.movements();
      const [one, two] = await Promise.all(ids.map((id) => stage.ended(id)));
      expect([one, two]).toMatchObject([{ status: "complete" }, { status: "complete" }]);
      expect(await stage.report(ids[0] ?? "")).toEqual(await stage.report(ids[1] ?? ""));
      const booked = stage.movements().filter(({ photoSha256 }) => photoSha256 === sha256(first));
      expect(booked).toHaveLength(1);
      expect(stage.movements()).toHaveLength(Math.max(1, before.length));
    });

    it("ends a photo that is cut off with a code, without outputs and without a booking", { timeout: 60_000 }, async () => {
      const [jpeg, png] = await Promise.all([photo(1), photo(5)]);
      const cut = [jpeg, png].map(({ name, file, truth }) => ({ name: `cut-${name}`, file: file.subarray(0, file.length / 2), truth }));
      expect(cut.map(({ name }) => path.extname(name))).toEqual([".jpg", ".png"]);
      const before = stage.movements();
      const ids = await Promise.all(cut.map((each) => stage.submit(each)));
      for (const [i, id] of ids.entries()) {
        const view = await stage.ended(id);
        expect(view).toMatchObject({ status: "error", error: { code: "PHOTO_TRUNCATED", retryable: false } });
        expect(view.error?.message).toContain("cut off");
        // Where the service keeps its files is nobody's business.
        expect(view.error?.message).not.toContain(stage.folder);
        expect(await stage.stored(id)).toEqual([`input/0000${path.extname(cut[i]?.name ?? "")}`]);
        expect((await fetch(`${stage.url}/download/${id}`)).status).toBe(409);
      }
      expect(stage.movements()).toEqual(before);
    });

    it("refuses what is no picture before it becomes a job", async () => {
      const response = await stage.upload({ name: "photo.jpg", file: Buffer.from("<html>no photo</html>") });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ code: "UPLOAD_TYPE_REFUSED" });
    });

    if (kind === "redis")
      it("goes on when Redis is killed under it and comes back from its file", { timeout: 90_000 }, async () => {
        const picture = await photo(9);
        const before = stage.movements();
        const id = await stage.submit(picture);
        await waitFor("the slices", async () => ((await stage.view(id)).progress > 0.2 ? true : null), 30_000);
        process.kill(redis?.pid ?? 0, "SIGKILL");
        await redis?.restart();
        expect(await stage.ended(id)).toMatchObject({ status: "complete" });
        expect(isClose((await stage.report(id)).total, picture.truth)).toBe(true);
        expect(stage.movements()).toHaveLength(before.length + 1);
      });

    it("is seen by `lovage status`, with every pid", async () => {
      // After a restart of Redis a mailbox may need a second to be there again.
      const nodes = await waitFor("answers of all", async () => {
        const found = await stage.nodes();
        return found.length === 3 && found.every(({ answers }) => answers) ? found : null;
      });
      expect(nodes.map(({ name }) => name.split("@")[0]).sort()).toEqual(["cpu", "gpu", "io"]);
      const { nodes: fleet } = await (await stage.app.store()).leases.fleet();
      for (const { info } of fleet) {
        const seen = nodes.find(({ name }) => name === info.name);
        expect(seen).toMatchObject({ pid: info.pid, runners: info.runners.map(({ pid }) => pid), answers: true });
      }
    });
  });
}
