import { spawnSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { newApiKey, type RouteOptions, type Serving, serveJobs } from "@lovage/http";
import { JobClient, type JobEvent, JobServiceError } from "@lovage/http/client";
import { afterEach, describe, expect, it } from "vitest";
import { png, RoutesKit } from "./routes-kit.ts";

let kit: RoutesKit;
let serving: Serving;
afterEach(async () => {
  await serving.close();
  await kit.close();
});

async function start(options: RouteOptions = {}): Promise<string> {
  kit = await RoutesKit.start({}, { worker: true });
  serving = await serveJobs({ ...kit.parts, ...options, port: 0 });
  return serving.url;
}

const picture = () => new File([new Uint8Array(png)], "photo.png");

/** A connection that breaks after so many bytes of each answer's body, a few times. */
function breaking(times: number, afterBytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (times <= 0 || !response.body) return response;
    times -= 1;
    let seen = 0;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, afterBytes - seen));
        seen += chunk.length;
        if (seen >= afterBytes) controller.error(new TypeError("terminated"));
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
}

const text = async (stream: ReadableStream<Uint8Array>) => new Response(stream).text();

describe("the client", () => {
  it("uploads with progress, waits, downloads and deletes, by the job's token", async () => {
    const client = new JobClient(await start({ access: "token" }));
    const seen: number[] = [];
    const job = await client.upload(picture(), { fields: { how: "well" }, onProgress: ({ sentBytes }) => seen.push(sentBytes) });
    expect(seen.at(-1)).toBe(png.length);
    const steps: string[] = [];
    const done = await job.wait({ onChange: ({ status }) => steps.push(status) });
    expect(done).toMatchObject({ status: "complete", progress: 1, outputs: ["ä size.txt"] });
    expect(steps.at(-1)).toBe("complete");
    expect(await text(job.download({ name: "ä size.txt" }))).toBe(String(png.length));
    expect((await text(job.download())).slice(0, 2)).toBe("PK");
    expect((await fetch(job.url("download"))).status).toBe(200);
    await expect(client.job(job.id, "x".repeat(32)).status()).rejects.toMatchObject({ status: 404, code: "JOB_NOT_FOUND" });
    await job.delete();
    await job.delete();
    await expect(job.status()).rejects.toBeInstanceOf(JobServiceError);
  });

  it("tells events to their end, over connections that break", async () => {
    const url = await start();
    const job = await new JobClient(url).upload({ blob: picture(), name: "a.png" }, { fields: { how: "wait" } });
    const seen: JobEvent[] = [];
    const said: unknown[] = [];
    for await (const event of new JobClient(url, { fetch: breaking(2, 600) }).job(job.id).events()) {
      seen.push(event);
      if (event.type === "progress") await job.cancel();
      if (event.type === "emitted") said.push(event.name, event.data);
    }
    expect(seen[0]?.type).toBe("status");
    expect(seen.at(-1)).toMatchObject({ type: "end", job: { status: "error", error: { code: "JOB_CANCELLED" } } });
    const ids = seen.flatMap(({ id }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(said).toEqual(["kit.said", { hello: "there" }]);
    const after = [];
    for await (const event of job.events({ after: ids.at(-1) ?? "" })) after.push(event);
    expect(after).toEqual([]);
  });

  it("takes a download up where it broke", async () => {
    const url = await start();
    const job = await new JobClient(url).upload(picture());
    await job.wait();
    const whole = await text(job.download());
    const broken = new JobClient(url, { fetch: breaking(2, 40) }).job(job.id);
    expect(await text(broken.download())).toBe(whole);
  });

  it("waits over answers that say try again, and gives up when told", async () => {
    const url = await start({ rate: { perAddress: { requests: 2, perSeconds: 2 } } });
    const job = await new JobClient(url).upload(picture());
    expect((await job.wait()).status).toBe("complete");
    const impatient = new JobClient(url, { retries: 0 }).job(job.id);
    // More than there are, and than may grow back meanwhile.
    const many = Array.from({ length: 20 }, () => impatient.status());
    await expect(Promise.all(many)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    await Promise.allSettled(many);
    await expect(job.wait({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("does not try again what its caller's own code throws", async () => {
    const url = await start();
    const job = await new JobClient(url).upload(picture(), { fields: { how: "wait" } });
    let calls = 0;
    const onChange = () => {
      calls += 1;
      throw new Error("mine");
    };
    await expect(job.wait({ onChange })).rejects.toThrow("mine");
    expect(calls).toBe(1);
    const onProgress = () => {
      throw new Error("mine");
    };
    await expect(new JobClient(url).upload(picture(), { onProgress })).rejects.toThrow("mine");
  });

  it("waits, and does not ask without end, where something takes the ETags away", async () => {
    const url = await start();
    let asked = 0;
    const without: typeof fetch = async (...request) => {
      asked += 1;
      const response = await fetch(...request);
      const headers = new Headers(response.headers);
      headers.delete("etag");
      return new Response(response.body, { status: response.status, headers });
    };
    const job = await new JobClient(url).upload(picture(), { fields: { how: "wait" } });
    const waiting = new JobClient(url, { fetch: without }).job(job.id).wait();
    await expect.poll(async () => (await job.status()).progress).toBe(0.5);
    const before = asked;
    for (let i = 0; i < 50; i++) await job.status();
    await job.cancel();
    expect((await waiting).status).toBe("error");
    expect(asked - before).toBeLessThan(10);
  });

  it("lets go of a download that stands still, at once", { timeout: 20_000 }, async () => {
    const url = await start();
    const job = await new JobClient(url).upload(picture());
    await job.wait();
    let cut: AbortSignal | null | undefined;
    const silent: typeof fetch = async (input, init) => {
      cut = init?.signal;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(10));
          cut?.addEventListener("abort", () => controller.error(cut?.reason));
        },
      });
      return new Response(body, await fetch(input, init));
    };
    const reader = new JobClient(url, { fetch: silent }).job(job.id).download().getReader();
    expect((await reader.read()).value).toHaveLength(10);
    await reader.cancel();
    expect(cut?.aborted).toBe(true);
  });

  it("takes an answer that is no JSON for somebody else's, and no date for a number of seconds", async () => {
    const url = await start();
    const says = (status: number) => async () =>
      new Response("<p>I am a proxy", { status, headers: { "retry-after": "Fri, 01 Jan 2100 00:00:00 GMT" } });
    const failed = (status: number) => new JobClient(url, { retries: 0, fetch: says(status) }).job("A".repeat(22)).status();
    for (const status of [200, 503])
      await expect(failed(status)).rejects.toMatchObject({ status, code: "NOT_THE_SERVICE", retryAfter: undefined });
  });

  it("sends its API key, and says what is refused", async () => {
    const { key, entry } = newApiKey("clinic", "submit");
    const url = await start({ keys: [entry] });
    await expect(new JobClient(url).upload(picture())).rejects.toMatchObject({ status: 401, code: "KEY_REQUIRED" });
    const client = new JobClient(url, { key });
    const job = await client.upload(picture());
    await expect(client.stats()).rejects.toMatchObject({ code: "KEY_ROLE_TOO_SMALL" });
    expect((await client.job(job.id).wait()).status).toBe("complete");
    expect(await client.isReady()).toBe(true);
  });

  it("says what it takes instead of what it was given", async () => {
    const url = await start();
    expect(() => new JobClient(undefined as never)).toThrow(
      new TypeError("A JobClient takes the URL where the job service is, not undefined."),
    );
    for (const wrong of ["abc", undefined, [{ name: "a" }]])
      await expect(new JobClient(url).upload(wrong as never)).rejects.toThrow(/^upload takes Blobs, Files, or \{ blob, name \}/);
  });

  it("says that there is no connection, with its cause, once it has tried often enough", async () => {
    const url = await start();
    await serving.close();
    let tries = 0;
    const counted: typeof fetch = (...asked) => {
      tries += 1;
      return fetch(...asked);
    };
    const job = new JobClient(url, { retries: 1, fetch: counted }).job("A".repeat(22));
    const lost = { name: "JobServiceError", status: 0, code: "CONNECTION_LOST", cause: expect.any(TypeError) };
    await expect(job.status()).rejects.toMatchObject(lost);
    expect(tries).toBe(2);
    await expect(text(job.download())).rejects.toMatchObject(lost);
    await expect(job.cancel()).rejects.toMatchObject(lost);
    await expect(new JobClient(url).upload(picture())).rejects.toMatchObject(lost);
    await expect(job.status({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("needs nothing but itself", async () => {
    await start();
    const folder = fileURLToPath(new URL("../dist/client/", import.meta.url));
    const sources = (await readdir(folder)).filter((name) => name.endsWith(".js")).map((name) => readFile(path.join(folder, name), "utf8"));
    const imports = (await Promise.all(sources)).flatMap((source) => [...source.matchAll(/\bfrom "([^"]+)"/g)].map(([, from]) => from));
    expect(imports.length).toBeGreaterThan(3);
    expect(imports.filter((from) => !from?.startsWith("./"))).toEqual([]);
  });

  it("is what the service's description says", async () => {
    await start();
    const script = fileURLToPath(new URL("../../../scripts/build-client.mjs", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
