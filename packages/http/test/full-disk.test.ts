import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { leavesOut, SmallDisk } from "lovage/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { picture, type RefusedBody, TestService } from "./service.ts";

const appModule = fileURLToPath(new URL("./fixtures/full-disk-app.mjs", import.meta.url));
const kilobyte = 1024;
const megabyte = 1024 * kilobyte;

describe.skipIf(leavesOut("a full disk", SmallDisk.refusal()))("a full disk", () => {
  let folder: string;
  let disk: SmallDisk;
  let service: TestService;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "lovage-http-disk-"));
    disk = new SmallDisk(8);
    process.env.HTTP_TEST_STORAGE = path.join(disk.folder, "jobs");
    process.env.LOVAGE_BROKER = `sqlite:${path.join(folder, "lovage.db")}`;
    service = await TestService.start(appModule, { worker: true });
  });
  // An empty disk for each.
  beforeEach(async () => {
    await disk.free();
    await rm(path.join(disk.folder, "jobs"), { recursive: true, force: true });
  });
  afterEach(() => disk.free());
  afterAll(async () => {
    await service?.close();
    disk?.unmount();
    await rm(folder, { recursive: true, force: true });
  });

  const stored = async (): Promise<readonly string[]> => (await readdir(path.join(disk.folder, "jobs"))).sort();

  describe("under uploads", () => {
    it.each([2, 40])("refuses one of %i MB with 507 and a code, keeps nothing of it, and serves on", async (megabytes) => {
      await service.ended(await service.submit(picture(kilobyte)));
      const before = await stored();
      disk.fill(megabyte);
      const response = await service.upload(picture(megabytes * megabyte));
      expect(response.status).toBe(507);
      expect(response.headers.get("retry-after")).toBe("60");
      expect((await response.json()) as RefusedBody).toMatchObject({
        code: "STORAGE_FULL",
        message: expect.stringContaining("Nothing was kept"),
      });
      expect(await stored()).toEqual(before);

      // A small one fits; the large one does once there is space.
      expect(await service.ended(await service.submit(picture(10 * kilobyte)))).toMatchObject({ status: "complete" });
      await disk.free();
      if (megabytes < 8)
        expect(await service.ended(await service.submit(picture(megabytes * megabyte)))).toMatchObject({ status: "complete" });
    });

    it("without a single byte or file left refuses before it reads", async () => {
      await service.ended(await service.submit(picture(kilobyte)));
      const before = await stored();
      disk.fill();
      const response = await service.upload(picture(100 * kilobyte));
      expect(response.status).toBe(507);
      expect(await response.json()).toMatchObject({ code: "STORAGE_FULL" });
      expect(await stored()).toEqual(before);
      expect(await service.get("/health")).toEqual({ status: "ok" });
    });

    it("answers while the client still sends", async () => {
      disk.fill(megabyte);
      const { port, hostname } = new URL(service.serving.url);
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(port), hostname);
        let text = "";
        socket.setTimeout(15_000, () => reject(new Error(`no answer; so far: ${text}`)));
        socket.on("error", reject);
        socket.on("data", (chunk) => {
          text += chunk;
          if (!text.includes("\r\n\r\n") || !text.includes("}")) return;
          socket.destroy();
          resolve(text);
        });
        const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n`;
        socket.write(
          `POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 50000000\r\n\r\n${head}`,
        );
        // Never the end of it.
        socket.write(picture(3 * megabyte));
      });
      expect(answer).toMatch(/^HTTP\/1.1 507 /);
      expect(answer).toContain('"STORAGE_FULL"');
    });
  });

  describe("under outputs", () => {
    const big = { bytes: String(3 * megabyte) };

    it("ends the job with a code that says it may be tried again, without half of its outputs", async () => {
      const id = await (async () => {
        disk.fill(2 * megabyte);
        return service.submit(picture(kilobyte), big);
      })();
      const view = await service.ended(id);
      expect(view).toMatchObject({ status: "error", error: { code: "STORAGE_FULL", retryable: true } });
      expect(await readdir(path.join(disk.folder, "jobs", id))).toEqual(["input"]);
      const download = await fetch(`${service.serving.url}/download/${id}`);
      expect(download.status).toBe(409);

      await disk.free();
      const again = await service.submit(picture(kilobyte), big);
      expect(await service.ended(again)).toMatchObject({ status: "complete", outputs: ["first.txt", "second.bin"] });
    });

    it("is waited out by a task that retries, and its outputs appear once and whole", async () => {
      disk.fill(2 * megabyte);
      const id = await service.submit(picture(kilobyte), { ...big, patient: "yes" });
      const tries = async () =>
        Object.entries(await (await service.app.store()).counters()).find(([key]) => key === "disk.patient|RETRY")?.[1] ?? 0;
      const deadline = performance.now() + 15_000;
      while ((await tries()) < 2 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await tries()).toBeGreaterThanOrEqual(2);
      expect(await service.get(`/status/${id}`)).toMatchObject({ status: expect.stringMatching(/queued|processing/) });
      await disk.free();
      expect(await service.ended(id)).toMatchObject({ status: "complete", outputs: ["first.txt", "second.bin"] });
      expect((await readdir(path.join(disk.folder, "jobs", id))).sort()).toEqual(["input", "outputs", "outputs.json"]);
    });
  });
});
