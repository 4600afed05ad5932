/** What a client on a socket sees of outputs that are not what was stored, and of a service that ends while a storage is silent. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { JobFiles, type JobInput, type JobStorage, openStorage, type Serving, serveJobs } from "@lovage/http";
import { type App, createApp, defineTask } from "lovage";
import { startWorker, type WorkerHandle } from "lovage/worker";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { png } from "./routes-kit.ts";

const bytes = 3_000_000;
let root: string;
let storage: JobStorage;
let app: App;
let worker: WorkerHandle;
let serve: (closeWithinMs: number) => Promise<Serving>;
let serving: Serving;
let id: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lovage-broken-"));
  storage = openStorage({ url: root });
  const work = defineTask("broken.work", async (job: JobInput) => {
    await new JobFiles(storage, job.id).publishOutputs((folder) => writeFile(path.join(folder, "big.bin"), randomBytes(bytes)));
  });
  app = createApp({ name: "broken", tasks: { work }, broker: "memory:" });
  worker = await startWorker(app, { pool: "inline", concurrency: 1, logLevel: "silent" });
  await worker.ready;
  const pipeline = { name: "broken", task: work, upload: { accept: ["image/png"], maxBytes: 100_000, maxFiles: 1 } };
  serve = (closeWithinMs) => serveJobs({ app, storage, pipeline, port: 0, closeWithinMs });
  serving = await serve(60_000);
  ({ job_id: id } = (await (await upload()).json()) as { job_id: string });
  await expect.poll(async () => ((await status()) as { status: string }).status, { timeout: 20_000 }).toBe("complete");
});

afterEach(async () => {
  await serving.close(AbortSignal.abort());
  await worker.stop("cold");
  await app.close();
  await rm(root, { recursive: true, force: true });
});

function upload(): Promise<Response> {
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(png)]), "a.png");
  return fetch(`${serving.url}/upload`, { method: "POST", body: form });
}

const status = async () => (await fetch(`${serving.url}/status/${id}`)).json();
const download = (name = "") => fetch(`${serving.url}/download/${id}${name}`);
const stored = async () => path.join(root, id, "outputs", (await new JobFiles(storage, id).manifest())?.run ?? "", "big.bin");

describe("the download of an output", () => {
  it.each(["/big.bin", ""])("that was shortened is refused (%j)", async (name) => {
    await truncate(await stored(), 1_000_000);
    const response = await download(name);
    expect([response.status, await response.json()]).toMatchObject([500, { code: "STORAGE_DAMAGED" }]);
  });

  it.each(["/big.bin", ""])("that a pipe has taken the place of is refused (%j)", async (name) => {
    const file = await stored();
    await rm(file);
    execFileSync("mkfifo", [file]);
    const response = await download(name);
    expect([response.status, await response.json()]).toMatchObject([500, { code: "STORAGE_DAMAGED" }]);
  });

  it.each(["/big.bin", ""])("whose bytes end too early breaks off (%j)", async (name) => {
    expect((await (await download()).arrayBuffer()).byteLength).toBeGreaterThan(bytes);
    for (const pieces of [0, 1, 10]) {
      const read = storage.read.bind(storage);
      // Of the zip only the end is looked at before.
      storage.read = async (key, range) =>
        key.endsWith(".json") || (range?.start ?? 0) > 0
          ? read(key, range)
          : Readable.from(Array.from({ length: pieces }, () => randomBytes(50_000)));
      await expect(download(name).then((response) => response.arrayBuffer())).rejects.toThrow();
      storage.read = read;
    }
  });
});

describe("a service that is told to end while its storage is silent", () => {
  it.each([
    ["closeWithinMs allows", 100, undefined],
    ["a second signal lets it", 60_000, AbortSignal.abort()],
  ])("waits no longer than %s", async (_what, closeWithinMs, hurry) => {
    await serving.close(AbortSignal.abort());
    serving = await serve(closeWithinMs);
    let answer = () => {};
    let asked = false;
    storage.stat = async () => {
      asked = true;
      return new Promise((_, reject) => {
        answer = () => reject(new Error("the storage is gone"));
      });
    };
    const refused = expect(download()).rejects.toThrow();
    await expect.poll(() => asked).toBe(true);
    await serving.close(hurry);
    await refused;
    answer();
  });

  it("waits no longer for what it does in the background", async () => {
    await serving.close(AbortSignal.abort());
    serving = await serve(100);
    const read = storage.read.bind(storage);
    let answer = () => {};
    let asked = false;
    // The worker looks while there is none; the service when the job has ended.
    storage.read = async (key, range) => {
      if (!key.endsWith("/outputs.json") || !(await storage.stat(key))) return read(key, range);
      asked = true;
      return new Promise((_, reject) => {
        answer = () => reject(new Error("the storage is gone"));
      });
    };
    await upload();
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(true);
    await serving.close();
    answer();
  });
});
