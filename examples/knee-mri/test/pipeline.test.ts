import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { sniff } from "@lovage/http";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unzip } from "../../../packages/http/test/unzip.ts";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { labels } from "../src/anatomy/analyse.ts";
import { patient } from "../src/phantom/dicom-series.ts";
import type { ScannedKnee } from "../src/phantom/scan.ts";
import type { Results } from "../src/report/results.ts";
import { outputNames } from "../src/tasks.ts";
import { readNifti } from "../src/volume/nifti.ts";
import { asDicom, asNifti, fileName, madeKnee } from "./scans.ts";
import { Stage, type Submitted } from "./stage.ts";

/** What no store can have a part in is looked at on one of them. */
describe.each(["sqlite", "redis"] as const)("the knee pipeline on %s, service and worker in processes of their own", (kind) => {
  const all = kind === "sqlite";
  describe.skipIf(kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined)("a scan", () => {
    let redis: RedisServer | undefined;
    let stage: Stage;
    let knee: ScannedKnee;
    let first: Submitted;
    let results: Results;
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis({ appendOnly: true }) : undefined;
      stage = await Stage.open(redis?.url);
      knee = madeKnee(7);
      await Promise.all([stage.serve(), stage.worker()]);
    });
    afterAll(async () => {
      await stage?.close();
      await redis?.stop();
    });

    it("measures a NIfTI volume step by step, and gives all of it in a zip", async () => {
      first = await stage.submit(await asNifti(knee));
      expect(await stage.ended(first), stage.said()).toMatchObject({ status: "complete", progress: 1, outputs: outputNames });
      const events = await (await stage.get(`/events/${first.id}`, first.token)).text();
      const steps = ["reading", "evening out", "bones", "cartilage", "thickness", "writing"];
      const seen = [...events.matchAll(/^event: progress\ndata: .*"step":"([^"]+)"/gm)].map(([, step = ""]) => steps.indexOf(step));
      expect(new Set(seen).size).toBeGreaterThan(1);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(seen[0]).toBe(0);
      const files = await unzip(Buffer.from(await (await stage.get(`/download/${first.id}`, first.token)).arrayBuffer()));
      expect([...files.keys()].sort()).toEqual(outputNames);
      expectLike(knee, files);
      results = JSON.parse(String(files.get("results.json")));
      const tibial = results.cartilage.find(({ region }) => region === "tibial");
      expect(tibial?.mean_mm).toBeGreaterThan(2);
      expect(tibial?.mean_mm).toBeLessThan(3.4);
      expect(String(files.get("results.csv")).split("\n")).toHaveLength(results.cartilage.length + 2);
      expect(files.get("preview.png")?.subarray(1, 4).toString()).toBe("PNG");
    });

    if (all)
      it("finds the same in a DICOM series of many files, and copies nothing of the patient", async () => {
        const job = await stage.submit(...asDicom(knee));
        expect(await stage.ended(job), stage.said()).toMatchObject({ status: "complete" });
        const files = await unzip(Buffer.from(await (await stage.get(`/download/${job.id}`, job.token)).arrayBuffer()));
        const again = JSON.parse(String(files.get("results.json"))) as Results;
        expect(again.cartilage).toEqual(results.cartilage);
        for (const bytes of files.values()) {
          const plain = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
          for (const secret of [...Object.values(patient), fileName]) expect(plain.includes(secret)).toBe(false);
        }
      });

    it("lies encrypted in the storage, inputs and outputs", async () => {
      const jobs = path.join(stage.folder, "jobs", first.id);
      const stored = (await readdir(jobs, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      expect(stored.length).toBeGreaterThanOrEqual(outputNames.length + 2);
      for (const { name, parentPath } of stored) {
        const { type } = sniff(await readFile(path.join(parentPath, name)));
        expect(type, name).toBe("application/octet-stream");
      }
    });

    it("opens a job to its token, and to nobody who has its address alone", async () => {
      for (const route of ["status", "download", "events"])
        for (const token of ["", "wrong", first.token.slice(1)]) expect((await stage.get(`/${route}/${first.id}`, token)).status).toBe(404);
      const unknown = await stage.get("/status/AAAAAAAAAAAAAAAAAAAAAA", first.token);
      const other = await stage.get(`/status/${first.id}`, "");
      expect(await other.json()).toEqual(await unknown.json());
    });

    if (all)
      it("says why it cannot measure an upload, by the codes of its table", async () => {
        const nifti = await asNifti(knee);
        const whole = gunzipSync(nifti.bytes);
        expect((await stage.upload({ name: "letter.nii.gz", bytes: Buffer.from("dear doctor") })).status).toBe(415);
        const cut = await stage.submit({ name: "a.nii", bytes: whole.subarray(0, 100_000) });
        const flat = await stage.submit({
          name: "a.nii",
          bytes: Buffer.concat([whole.subarray(0, 352), Buffer.alloc(whole.length - 352, 1)]),
        });
        const slice = await stage.submit(asDicom(knee)[0] as { name: string; bytes: Buffer });
        expect(await stage.ended(cut)).toMatchObject({ status: "error", error: { code: "SCAN_UNREADABLE", retryable: false } });
        expect(await stage.ended(flat)).toMatchObject({ status: "error", error: { code: "KNEE_NOT_FOUND" } });
        expect(await stage.ended(slice)).toMatchObject({ status: "error", error: { code: "SCAN_NOT_3D" } });
        expect((await stage.get(`/download/${cut.id}`, cut.token)).status).toBe(409);
      });

    it("completes a job once whose runner is killed in the middle", async () => {
      const job = await stage.submit(await asNifti(knee));
      const runner = await waitFor(
        "its runner",
        async () => {
          const { nodes } = await (await stage.app.store()).leases.fleet();
          const pid = nodes[0]?.info.runners[0]?.pid;
          return (await stage.view(job)).status === "processing" ? pid : null;
        },
        30_000,
      );
      process.kill(runner, "SIGKILL");
      expect(await stage.ended(job), stage.said()).toMatchObject({ status: "complete", outputs: outputNames });
      const left = (await readdir(path.join(stage.folder, "tmp"))).filter((name) => name.startsWith("knee-mri-"));
      expect(left).toEqual([]);
    });

    it("counts what was done and what failed", async () => {
      const stats = await waitFor("the counts", async () => {
        const counts = (await (await fetch(`${stage.url}/stats`)).json()) as { readonly processed: number };
        return counts.processed === (all ? 3 : 2) ? counts : null;
      });
      expect(stats).toMatchObject({ failed: all ? 3 : 0, queued: 0, processing: 0 });
    });

    it("writes no file name and nothing of a patient into any log", async () => {
      const said = stage.said();
      expect(said).toContain("scan.read");
      expect(said).toContain("job.downloaded");
      for (const secret of [...Object.values(patient), fileName, fileName.slice(0, 8), "letter"]) expect(said).not.toContain(secret);
    });
  });
});

/** What came out, on the grid that went in, against what the knee is made of. */
function expectLike({ volume, truth }: ScannedKnee, files: ReadonlyMap<string, Buffer>): void {
  const segmented = readNifti(gunzipSync(files.get("segmentation.nii.gz") ?? ""), 1e7);
  const thickness = readNifti(gunzipSync(files.get("thickness.nii.gz") ?? ""), 1e7);
  expect(segmented.size).toEqual(volume.size);
  for (const [i, value] of segmented.affine.entries()) expect(value).toBeCloseTo(volume.affine[i] as number, 3);
  for (const [name, least] of [
    ["femur", 0.9],
    ["femoralCartilage", 0.75],
    ["tibia", 0.9],
    ["tibialCartilage", 0.75],
  ] as const) {
    let [both, all] = [0, 0];
    segmented.data.forEach((label, at) => {
      const [is, was] = [label === labels[name], truth.labels[at] === labels[name]];
      both += is && was ? 2 : 0;
      all += (is ? 1 : 0) + (was ? 1 : 0);
    });
    expect(both / all, name).toBeGreaterThan(least);
  }
  thickness.data.forEach((mm, at) => {
    const isCartilage = segmented.data[at] === labels.femoralCartilage || segmented.data[at] === labels.tibialCartilage;
    if (mm > 0 !== isCartilage) throw new Error(`voxel ${at} has label ${segmented.data[at]} and thickness ${mm}`);
  });
}
