import { getEventListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type JobInput, openStorage, serveJobs } from "@lovage/http";
import { Validator } from "@seriousme/openapi-schema-validator";
import { createApp, defineTask, type Logger } from "lovage";
import { afterEach, describe, expect, it } from "vitest";
import { png, RoutesKit, type UploadedJob } from "./routes-kit.ts";

let kit: RoutesKit;
const mute = () => undefined;
const silent: Logger = { debug: mute, info: mute, warn: mute, error: mute, isOn: () => true, child: () => silent };
afterEach(() => kit.close());

describe("POST /cancel/:id", () => {
  it("does not wait for uploads that came before it", async () => {
    kit = await RoutesKit.start();
    const { job_id: id } = await kit.submit();
    const begun: ReadableStreamDefaultController[] = [];
    const slow = () => {
      const body = new ReadableStream({ pull: (controller) => void begun.push(controller) }, { highWaterMark: 0 });
      const init = { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" }, body, duplex: "half" };
      return kit.routes.request("/upload", init as RequestInit);
    };
    // Each has its place for a tenth of a second, four at a time.
    const uploads = Array.from({ length: 200 }, slow);
    expect((await kit.ask(`/cancel/${id}`, { method: "POST" })).status).toBe(202);
    expect(begun.length).toBeLessThan(200);
    const breaking = setInterval(() => {
      for (const controller of begun.splice(0)) controller.error(new Error("gone"));
    }, 1);
    for (const { status } of await Promise.all(uploads)) expect(status).toBe(400);
    clearInterval(breaking);
  });
});

describe("GET /events/:id", () => {
  it("says of a job that was cancelled before it began what its status says", async () => {
    kit = await RoutesKit.start();
    const { job_id: id } = await kit.submit();
    await kit.ask(`/cancel/${id}`, { method: "POST" });
    expect(await (await kit.ask(`/status/${id}`)).json()).toMatchObject({ status: "queued", cancelling: true });
    const reader = (await kit.routes.request(`/events/${id}`)).body?.getReader();
    let told = "";
    while (!told.includes("event: progress")) told += Buffer.from((await reader?.read())?.value ?? []);
    await reader?.cancel();
    expect(told).toMatch(/event: progress\ndata: {[^}]*"status":"queued"[^}]*"cancelling":true}/);
  });
});

describe("GET /status/:id", () => {
  it("has an ETag, and answers 304 to who knows it", async () => {
    kit = await RoutesKit.start();
    const { job_id: id } = await kit.submit();
    const first = await kit.ask(`/status/${id}`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{27}"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await kit.ask(`/status/${id}`, { headers: { "if-none-match": known } });
      expect(again.status, known).toBe(304);
      expect(again.headers.get("etag")).toBe(etag);
      expect(await again.text()).toBe("");
    }
    expect((await kit.ask(`/status/${id}`, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  it("keeps nothing of those who waited on what lives as long as the service", async () => {
    const closing = new AbortController();
    kit = await RoutesKit.start({ closing: closing.signal });
    const { job_id: id } = await kit.submit();
    for (let i = 0; i < 3; i += 1) await kit.ask(`/status/${id}?wait=0.05`);
    expect(getEventListeners(closing.signal, "abort")).toEqual([]);
    // What AbortSignal.any makes stays known to its sources: no list of such may be there at all.
    const lists = Object.getOwnPropertySymbols(closing.signal).filter(({ description }) => /dependant/i.test(description ?? ""));
    expect(lists).toEqual([]);
  });

  it("waits for a change when asked to, and no longer once the job has ended", async () => {
    kit = await RoutesKit.start({}, { worker: true });
    const { job_id: id } = await kit.submit({ how: "wait" });
    await kit.statusWhen(id, ["processing"]);
    let seen = await kit.ask(`/status/${id}`);
    const known = () => ({ "if-none-match": seen.headers.get("etag") ?? "" });
    while (((await seen.json()) as UploadedJob).progress < 0.5) seen = await kit.ask(`/status/${id}?wait=20`, { headers: known() });
    const waiting = kit.ask(`/status/${id}?wait=60`, { headers: known() });
    let answered = false;
    void waiting.then(() => {
      answered = true;
    });
    expect((await kit.ask(`/status/${id}?wait=0.2`, { headers: known() })).status).toBe(304);
    expect(answered).toBe(false);
    await kit.ask(`/cancel/${id}`, { method: "POST" });
    expect((await waiting).status).toBe(200);
    await kit.statusWhen(id, ["error"]);
    expect(((await (await kit.ask(`/status/${id}?wait=60`)).json()) as UploadedJob).status).toBe("error");
  });

  it("waits no longer than asked to, though memory is tidied up meanwhile", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    kit = await RoutesKit.start();
    const { job_id: id } = await kit.submit();
    const known = { "if-none-match": (await kit.ask(`/status/${id}`)).headers.get("etag") ?? "" };
    const tidying = setInterval(collect, 20);
    const answer = await kit.ask(`/status/${id}?wait=0.4`, { headers: known }).finally(() => clearInterval(tidying));
    expect(answer.status).toBe(304);
  }, 15_000);

  it("stops waiting when its client goes, and when the service wants to end", async () => {
    const closing = new AbortController();
    kit = await RoutesKit.start({ closing: closing.signal });
    const { job_id: id } = await kit.submit();
    const gone = new AbortController();
    const left = kit.ask(`/status/${id}?wait=60`, { signal: gone.signal });
    const stays = kit.ask(`/status/${id}?wait=60`);
    gone.abort();
    expect((await left).status).toBe(200);
    closing.abort();
    const told = await stays;
    expect(told.status).toBe(200);
    expect(told.headers.get("connection")).toBe("close");
  });
});

describe("the routes", () => {
  it("say which methods they take, with 405 to others, and answer HEAD as GET without a body", async () => {
    kit = await RoutesKit.start();
    const { job_id: id } = await kit.submit();
    const wrong = await kit.ask(`/status/${id}`, { method: "PUT" });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(await wrong.json()).toMatchObject({ code: "METHOD_NOT_ALLOWED" });
    expect((await kit.ask(`/jobs/${id}`)).headers.get("allow")).toBe("DELETE, OPTIONS");
    const options = await kit.routes.request("/upload", { method: "OPTIONS" });
    expect(options.status).toBe(204);
    expect(options.headers.get("allow")).toBe("POST, OPTIONS");
    const head = await kit.ask(`/status/${id}`, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.headers.get("etag")).toBeTruthy();
    expect(await head.text()).toBe("");
  });

  it("give single outputs with their type, as attachments, in ranges, and nothing that is none", async () => {
    kit = await RoutesKit.start({}, { worker: true });
    const { job_id: id } = await kit.submit();
    await kit.statusWhen(id, ["complete"]);
    const route = `/download/${id}/${encodeURIComponent("ä size.txt")}`;
    const whole = await kit.ask(route);
    expect(await whole.text()).toBe("2008");
    expect(whole.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(whole.headers.get("content-disposition")).toBe("attachment; filename=\"__size.txt\"; filename*=UTF-8''%C3%A4%20size.txt");
    expect(whole.headers.get("x-content-type-options")).toBe("nosniff");
    const part = await kit.ask(route, { headers: { range: "bytes=1-2", "if-range": whole.headers.get("etag") ?? "" } });
    expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([206, "00", "bytes 1-2/4"]);
    expect((await kit.ask(route, { headers: { range: "bytes=1-2", "if-range": '"another"' } })).status).toBe(200);
    const beyond = await kit.ask(route, { headers: { range: "bytes=9-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */4"]);
    const head = await kit.ask(route, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "4", ""]);
    expect((await kit.ask(route, { headers: { "if-none-match": whole.headers.get("etag") ?? "" } })).status).toBe(304);
    for (const name of ["..%2finput%2f0000.png", "none.txt", "%00", "."])
      expect((await kit.ask(`/download/${id}/${name}`)).status).toBe(404);
    expect(kit.lines.filter(({ event }) => event === "job.downloaded").length).toBeGreaterThan(0);
  });

  it("say whether a job would be worked on, and what is missing", async () => {
    const closing = new AbortController();
    kit = await RoutesKit.start({ closing: closing.signal });
    const idle = await kit.ask("/ready");
    expect([idle.status, await idle.json()]).toMatchObject([503, { code: "NO_WORKERS" }]);
    await kit.close();
    kit = await RoutesKit.start({ closing: closing.signal }, { worker: true });
    expect((await kit.ask("/ready")).status).toBe(200);
    closing.abort();
    expect(await (await kit.ask("/ready")).json()).toMatchObject({ code: "SERVICE_CLOSING" });
  });

  it("carry a request's ids in, out and through, and tag the task with its session", async () => {
    kit = await RoutesKit.start({}, { worker: true });
    const response = await kit.upload({ headers: { "x-session-id": "visit-7", "x-request-id": "r-1" } });
    expect(response.headers.get("x-correlation-id")).toBe("visit-7");
    expect(response.headers.get("x-request-id")).toBe("r-1");
    const { job_id: id } = (await response.json()) as UploadedJob;
    expect((await kit.statusWhen(id, ["complete"])).result).toBe("visit-7");
    await kit.close();
    kit = await RoutesKit.start();
    await kit.upload({ headers: { "x-session-id": "visit-8" } });
    expect(await kit.app.revoke({ tag: "session:visit-8" }, { dryRun: true })).toMatchObject({ waiting: 1 });
  });
});

describe("browsers", () => {
  it("of other sites are told nothing unless their origin is named, and then all that a client needs", async () => {
    kit = await RoutesKit.start();
    const origin = "https://app.example";
    expect((await kit.ask("/health", { headers: { origin } })).headers.get("access-control-allow-origin")).toBeNull();
    const shared = kit.another({ cors: { origins: [origin] } });
    const preflight = await shared.request("/upload", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-api-key" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("X-API-Key");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const answer = await shared.request("/health", { headers: { origin } });
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/ETag.*Location.*Retry-After/);
    expect(answer.headers.get("vary")).toContain("Origin");
    const foreign = await shared.request("/health", { headers: { origin: "https://evil.example" } });
    expect(foreign.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("may not be sent by another site to change anything", async () => {
    kit = await RoutesKit.start();
    const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
    expect((await kit.upload({ headers })).status).toBe(403);
    expect((await kit.ask("/health", { headers })).status).toBe(200);
    expect((await kit.upload({ headers: { "sec-fetch-site": "same-origin" } })).status).toBe(202);
  });

  it("are told to load nothing, to show it nowhere and to keep it to themselves, also with a refusal", async () => {
    kit = await RoutesKit.start();
    for (const route of ["/health", "/nowhere", `/status/${"A".repeat(22)}`]) {
      const { headers } = await kit.routes.request(route);
      expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });
});

describe("the description", () => {
  it("is valid OpenAPI 3.1 of all routes", async () => {
    kit = await RoutesKit.start();
    const document = (await (await kit.ask("/openapi.json")).json()) as { paths: object; openapi: string };
    const { valid, errors } = await new Validator().validate(document);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual([
      "/",
      "/upload",
      "/status/{id}",
      "/events/{id}",
      "/cancel/{id}",
      "/jobs/{id}",
      "/download/{id}",
      "/download/{id}/{name}",
      "/stats",
      "/health",
      "/ready",
      "/openapi.json",
    ]);
  });
});

describe("mounting", () => {
  it("works below any path of any server, with URLs that lead back there", async () => {
    kit = await RoutesKit.start();
    const { Hono } = await import("hono");
    const routes = kit.another({ uploadPath: "/consult" });
    const form = () => {
      const body = new FormData();
      body.append(
        "audio",
        new Blob([Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(99)])]),
        "a",
      );
      return { method: "POST", body };
    };
    const app = new Hono().route("/api/workflows/diarization", routes);
    const inHono = await app.request("/api/workflows/diarization/consult", form());
    expect(inHono.status).toBe(202);
    const { status_url } = (await inHono.json()) as UploadedJob;
    expect(status_url).toMatch(/^\/api\/workflows\/diarization\/status\/[\w-]{22}$/);
    expect(inHono.headers.get("location")).toBe(status_url);
    expect((await app.request(status_url)).status).toBe(200);
    const described = (await (await app.request("/api/workflows/diarization/openapi.json")).json()) as { paths: object; servers: unknown };
    expect(Object.keys(described.paths)).toContain("/consult");
    expect(Object.keys(described.paths)).not.toContain("/upload");
    expect(described.servers).toEqual([{ url: "/api/workflows/diarization" }]);
    const stripped = await kit.another({ basePath: "/behind/a/proxy" }).request("/upload", form());
    expect(((await stripped.json()) as UploadedJob).status_url).toMatch(/^\/behind\/a\/proxy\/status\//);
    // A bare server: a request in, a response out.
    const server = createServer(async (_request, response) => {
      const answer = await routes.fetch(new Request("http://here/health"));
      response.writeHead(answer.status).end(await answer.text());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual({ status: "ok" });
    await new Promise((resolve) => server.close(resolve));
  });

  it("serves a pipeline at / beside others: each has its own rules, and the probes are for all", async () => {
    kit = await RoutesKit.start({}, { worker: true });
    const { app, storage, pipeline } = kit.parts;
    const full = openStorage({ url: String(storage) });
    full.put = async () => Promise.reject(new Error("no space"));
    const lines: Readonly<Record<string, unknown>>[] = [];
    const log = { ...silent, info: (_event: string, facts = {}) => void lines.push(facts) };
    const origin = "https://app.example";
    const aside = { path: "/b", storage, pipeline: { ...pipeline, name: "b" }, cors: { origins: [origin] }, log };
    const serving = await serveJobs({ app, port: 0, services: [{ storage, pipeline }, aside, { ...aside, path: "/full", storage: full }] });
    try {
      const form = new FormData();
      form.append("file", new Blob([new Uint8Array(png)]), "a.png");
      const response = await fetch(`${serving.url}/b/upload`, {
        method: "POST",
        body: form,
        headers: { origin, "sec-fetch-site": "cross-site" },
      });
      expect([response.status, await response.json()]).toMatchObject([202, { status_url: expect.stringMatching(/^\/b\/status\//) }]);
      expect(lines).toEqual([expect.objectContaining({ correlationId: response.headers.get("x-correlation-id") })]);
      expect(await (await fetch(`${serving.url}/b/ready`)).json()).toEqual({ status: "ok" });
      expect(await (await fetch(`${serving.url}/ready`)).json()).toMatchObject({ code: "STORAGE_UNWRITABLE" });
    } finally {
      await serving.close();
    }
  });

  it("serves several pipelines in one server, whose jobs do not know each other", async () => {
    kit = await RoutesKit.start();
    const folder = await mkdtemp(path.join(os.tmpdir(), "lovage-two-"));
    const tasks = { a: defineTask("two.a", async (_job: JobInput) => {}), b: defineTask("two.b", async (_job: JobInput) => {}) };
    const app = createApp({ name: "two", tasks, broker: "memory:" });
    const upload = { accept: ["image/png"], maxBytes: 10_000, maxFiles: 1 };
    const of = (name: "a" | "b") => ({ path: `/${name}`, storage: folder, pipeline: { name, task: tasks[name], upload } });
    const serving = await serveJobs({ app, port: 0, services: [of("a"), of("b")] });
    try {
      expect(serving.urls).toEqual([`${serving.url}/a`, `${serving.url}/b`]);
      const form = new FormData();
      form.append(
        "file",
        new Blob([Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(99)])]),
        "a.png",
      );
      const { status_url, job_id } = (await (await fetch(`${serving.url}/a/upload`, { method: "POST", body: form })).json()) as UploadedJob;
      expect(status_url).toBe(`/a/status/${job_id}`);
      expect((await fetch(serving.url + status_url)).status).toBe(200);
      expect((await fetch(`${serving.url}/b/status/${job_id}`)).status).toBe(404);
      expect(await (await fetch(`${serving.url}/health`)).json()).toEqual({ status: "ok" });
      expect(await (await fetch(`${serving.url}/ready`)).json()).toMatchObject({ code: "NO_WORKERS" });
      expect(await (await fetch(`${serving.url}/nowhere`)).json()).toMatchObject({ code: "ROUTE_NOT_FOUND" });
      await expect(serveJobs({ app, port: 0, services: [of("a"), of("a")] })).rejects.toMatchObject({ code: "LOVAGE_JOBS_INVALID" });
    } finally {
      await serving.close();
      await app.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
