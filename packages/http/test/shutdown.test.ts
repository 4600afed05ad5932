import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { png } from "./routes-kit.ts";

const cli = fileURLToPath(new URL("../../lovage/bin/lovage.js", import.meta.url));
const appModule = fileURLToPath(new URL("./fixtures/app.mjs", import.meta.url));

let folder: string;
let serve: ChildProcess;
let url: string;
let exited: Promise<readonly unknown[]>;

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "lovage-shutdown-"));
  const env = { ...process.env, HTTP_TEST_STORAGE: path.join(folder, "jobs"), LOVAGE_BROKER: `sqlite:${path.join(folder, "lovage.db")}` };
  serve = spawn(process.execPath, [cli, "serve", "-A", appModule, "--port", "0"], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  exited = once(serve, "exit");
  let said = "";
  for await (const chunk of serve.stdout as NodeJS.ReadableStream) {
    said += chunk;
    if (said.includes("\n")) break;
  }
  url = /listens on (\S+)/.exec(said)?.[1] ?? "";
});

afterEach(async () => {
  if (serve.exitCode === null && serve.signalCode === null) serve.kill("SIGKILL");
  await exited;
  await rm(folder, { recursive: true, force: true });
});

const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n';

const half = Buffer.concat([png, Buffer.alloc(300_000, 7)]);

/** An upload that has sent half of its file, of which the service has begun to store what it got. */
async function halfUpload(): Promise<{ readonly request: http.ClientRequest; readonly response: Promise<http.IncomingMessage> }> {
  const before = await stored();
  const request = http.request(`${url}/upload`, { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" } });
  const response = new Promise<http.IncomingMessage>((resolve, reject) => request.once("response", resolve).once("error", reject));
  response.catch(() => undefined);
  request.write(head);
  request.write(half);
  await until(async () => (await stored()).length > before.length);
  return { request, response };
}

const stored = () => readdir(path.join(folder, "jobs"), { recursive: true }).catch(() => []);

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const isRefusing = () =>
  fetch(`${url}/health`, { headers: { connection: "close" } }).then(
    () => false,
    () => true,
  );

async function submit(): Promise<string> {
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(png)]), "a.png");
  const response = await fetch(`${url}/upload`, { method: "POST", body: form });
  return ((await response.json()) as { job_id: string }).job_id;
}

describe("a service that is told to end", () => {
  it("takes nothing new, sends listeners and waiting clients away, and lets an upload under way finish", async () => {
    const id = await submit();
    const events = await fetch(`${url}/events/${id}`);
    const waiting = fetch(`${url}/status/${id}?wait=60`);
    const { request, response } = await halfUpload();
    serve.kill("SIGTERM");
    expect((await waiting).status).toBe(200);
    const told = await events.text();
    expect(told).toContain("event: status");
    expect(told).toMatch(/retry: \d+/);
    await until(isRefusing);
    expect(serve.exitCode).toBeNull();
    request.write(half);
    request.end("\r\n--b--\r\n");
    const answered = await response;
    expect([answered.statusCode, JSON.parse(await text(answered))]).toMatchObject([202, { status: "queued" }]);
    expect(await exited).toEqual([0, null]);
  });

  it("cuts at the second signal what has not ended, and keeps nothing of it", async () => {
    const { request, response } = await halfUpload();
    serve.kill("SIGTERM");
    await until(isRefusing);
    const insist = setInterval(() => serve.kill("SIGTERM"), 600);
    await expect(response)
      .rejects.toThrow()
      .finally(() => clearInterval(insist));
    expect(await exited).toEqual([0, null]);
    expect(await stored()).toEqual([]);
    request.destroy();
  });
});
