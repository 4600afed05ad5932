import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { JobService, type JobStats, type JobView, type Pipeline, type Serving, serveJobs } from "@lovage/http";
import type { App } from "lovage";
import { loadApp, startWorker, type WorkerHandle } from "lovage/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromBuffer } from "yauzl";

const appModule = fileURLToPath(new URL("./fixtures/app.mjs", import.meta.url));
const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(3000, 7)]);

let folder: string;
let app: App;
let options: { readonly storage: string; readonly pipeline: Pipeline; readonly killAfterMs: number };
let worker: WorkerHandle;
let serving: Serving;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "lovage-http-"));
  process.env.HTTP_TEST_STORAGE = path.join(folder, "jobs");
  process.env.LOVAGE_BROKER = `sqlite:${path.join(folder, "lovage.db")}`;
  const loaded = await loadApp(appModule);
  app = loaded.app;
  options = loaded.exports.jobs as typeof options;
  worker = await startWorker(app, { appModule, pool: "processes", concurrency: 2, logLevel: "silent" });
  await worker.ready;
  serving = await serveJobs({ ...options, app, port: 0 });
});

afterAll(async () => {
  await serving?.close();
  await worker?.stop("cold");
  await app?.close();
  await rm(folder, { recursive: true, force: true });
});

async function upload(fields: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([png], { type: "application/x-nonsense" }), "photo.png");
  return fetch(`${serving.url}/upload`, { method: "POST", body: form, headers });
}

async function submit(how: string): Promise<JobView> {
  const response = await upload({ how });
  expect(response.status).toBe(202);
  return (await response.json()) as JobView;
}

const status = async (id: string) => (await (await fetch(`${serving.url}/status/${id}`)).json()) as JobView;

/** Looks until `ready`, at most 20 s. */
async function statusWhen(id: string, ready: (view: JobView) => boolean): Promise<JobView> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const view = await status(id);
    if (ready(view)) return view;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(view)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const ended = (view: JobView) => view.status === "complete" || view.status === "error";

interface Event {
  readonly id: string | undefined;
  readonly name: string;
  readonly view: JobView;
}

/** Reads events until `enough`, then hangs up; or until the server ends the stream. */
async function events(id: string, after = "", enough: (event: Event) => boolean = () => false): Promise<readonly Event[]> {
  const hangUp = new AbortController();
  const response = await fetch(`${serving.url}/events/${id}`, { headers: { "last-event-id": after }, signal: hangUp.signal });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const seen: Event[] = [];
  let text = "";
  for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks.filter((each) => !each.startsWith(":"))) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const event = { id: field("id"), name: field("event") ?? "", view: JSON.parse(field("data") ?? "{}") };
      seen.push(event);
      if (enough(event)) {
        hangUp.abort();
        return seen;
      }
    }
  }
  return seen;
}

describe("a job", () => {
  it("is taken, worked on, and its outputs come as a zip, whole or in ranges", async () => {
    const response = await upload({}, { "x-correlation-id": "request-7" });
    expect(response.headers.get("x-correlation-id")).toBe("request-7");
    const { job_id, status: first } = (await response.json()) as JobView;
    expect(job_id).toMatch(/^[\w-]{22}$/);
    expect(first).toBe("queued");
    const done = await statusWhen(job_id, ended);
    expect(done).toMatchObject({
      status: "complete",
      progress: 1,
      outputs: ["hash.txt", "size.txt"],
      result: { correlation: "request-7" },
    });

    const whole = Buffer.from(await (await fetch(`${serving.url}/download/${job_id}`)).arrayBuffer());
    const names = await new Promise<string[]>((resolve, reject) => {
      fromBuffer(whole, (error, zip) => {
        if (error) return reject(error);
        const found: string[] = [];
        zip.on("entry", (entry) => found.push(entry.fileName)).once("end", () => resolve(found));
      });
    });
    expect(names).toEqual(["hash.txt", "size.txt"]);

    const part = await fetch(`${serving.url}/download/${job_id}`, { headers: { range: "bytes=4-9" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe(`bytes 4-9/${whole.length}`);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(4, 10));
    expect((await fetch(`${serving.url}/download/${job_id}`, { headers: { range: "bytes=999999-" } })).status).toBe(416);
  });

  it("tells its progress in events, and tells again what was missed", async () => {
    const { job_id } = await submit("well");
    const all = await events(job_id);
    expect(all[0]?.name).toBe("status");
    expect(all.at(-1)).toMatchObject({ name: "end", view: { status: "complete", progress: 1 } });
    await statusWhen(job_id, ended);
    const ids = all.flatMap(({ id }) => id ?? []);
    expect(ids.length).toBeGreaterThan(1);
    const missed = await events(job_id, ids[0]);
    expect(missed.flatMap(({ id }) => id ?? [])).toEqual(ids.slice(1));
    expect(missed.at(-1)?.name).toBe("end");
  });

  it("ends with the code its pipeline gives a failure, and gives nothing away of another", async () => {
    const bad = await statusWhen((await submit("badly")).job_id, ended);
    expect(bad.error).toEqual({ code: "PICTURE_BAD", message: "the picture is bad", retryable: false });
    const unexpected = await statusWhen((await submit("unexpectedly")).job_id, ended);
    expect(unexpected.error?.code).toBe("INTERNAL");
    expect(JSON.stringify(unexpected)).not.toContain("secret");
  });

  it("says so when its outputs are not where the service looks", async () => {
    const view = await statusWhen((await submit("elsewhere")).job_id, ended);
    expect(view.error?.code).toBe("STORAGE_NOT_SHARED");
  });

  it.each(["late", "never"])("that would run %s is cancelled, and says cancelling while its code runs", async (how) => {
    const { job_id } = await submit(how);
    await statusWhen(job_id, (view) => view.status === "processing");
    expect((await fetch(`${serving.url}/download/${job_id}`)).status).toBe(409);
    const response = await fetch(`${serving.url}/cancel/${job_id}`, { method: "POST" });
    expect(response.status).toBe(202);
    const view = (await response.json()) as JobView;
    if (!ended(view)) expect(view).toMatchObject({ status: "processing", cancelling: true });
    expect(await statusWhen(job_id, ended)).toMatchObject({ status: "error", error: { code: "JOB_CANCELLED" } });
    expect((await fetch(`${serving.url}/cancel/${job_id}`, { method: "POST" })).status).toBe(202);
  });

  it("that is complete stays so when it is cancelled late", async () => {
    const { job_id } = await submit("well");
    await statusWhen(job_id, ended);
    await fetch(`${serving.url}/cancel/${job_id}`, { method: "POST" });
    expect((await status(job_id)).status).toBe("complete");
  });

  it("is ended by the next service when its own went away", async () => {
    const { job_id } = await submit("late");
    await statusWhen(job_id, (view) => view.step === "started");
    const other = new JobService({ ...options, app });
    await other.start();
    await fetch(`${serving.url}/cancel/${job_id}`, { method: "POST" });
    await statusWhen(job_id, ended);
    await other.close();
    expect((await other.view(job_id)).error?.code).toBe("JOB_CANCELLED");
  });
});

describe("the service", () => {
  it("answers 404 with a code for what it does not know", async () => {
    for (const route of ["/status/AAAAAAAAAAAAAAAAAAAAAA", "/status/..%2f..%2fetc", "/download/x", "/events/x", "/nowhere"]) {
      const response = await fetch(serving.url + route);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: expect.stringMatching(/^(JOB|ROUTE)_NOT_FOUND$/) });
    }
  });

  it("refuses an upload that lies about its type, and keeps nothing of it", async () => {
    const before = (await readdir(options.storage)).length;
    const form = new FormData();
    form.append("file", new Blob(["#!/bin/sh\nrm -rf /\n"], { type: "image/png" }), "photo.png");
    const response = await fetch(`${serving.url}/upload`, { method: "POST", body: form });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ code: "UPLOAD_TYPE_REFUSED" });
    expect((await readdir(options.storage)).length).toBe(before);
  });

  it("counts its jobs and says how it is", async () => {
    const stats = (await (await fetch(`${serving.url}/stats`)).json()) as JobStats;
    expect(stats).toMatchObject({ queued: 0, processing: 0, processed: 3, failed: 3, cancelled: 3 });
    expect(await (await fetch(`${serving.url}/health`)).json()).toEqual({ status: "ok" });
    expect(await (await fetch(`${serving.url}/health?verbose=1`)).json()).toMatchObject({ status: "ok", broker: { ok: true } });
  });
});
