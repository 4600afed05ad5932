import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type JobEvent, type PipelineServing, serveJobs } from "@lovage/http";
import { loadApp } from "lovage/worker";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openSocket, type Read, readSocket, readStream, refusal } from "./event-clients.ts";
import { picture, TestService } from "./service.ts";

const module = fileURLToPath(new URL("./fixtures/telling.mjs", import.meta.url));
let folder: string;
let service: TestService;
const png = picture(100);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "lovage-events-"));
  process.env.HTTP_TEST_STORAGE = path.join(folder, "jobs");
  process.env.LOVAGE_BROKER = `sqlite:${path.join(folder, "lovage.db")}`;
  service = await TestService.start(module, { worker: true });
});

afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

const open: string[] = [];
/** A job that tells, and goes on until the test is over. */
async function waiting(fields: Readonly<Record<string, string>> = {}): Promise<string> {
  const id = await service.submit(png, { ...fields, wait: "yes" });
  open.push(id);
  return id;
}
afterEach(async () => {
  for (const id of open.splice(0)) await fetch(`${service.serving.url}/cancel/${id}`, { method: "POST" });
});

const urlOf = (id: string, after?: string) => `${service.serving.url}/events/${id}${after === undefined ? "" : `?after=${after}`}`;
const told = (events: readonly JobEvent[]) =>
  events.filter(({ event }) => event === "test.told").map(({ data }) => (data as { readonly i: number }).i);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const lastId = (events: readonly JobEvent[]) => events.flatMap(({ id }) => id ?? []).at(-1);
const isEnd = ({ event }: JobEvent) => event === "end";

/** The server's end of the next connection to a server of this process. */
const nextAccepted = () =>
  new Promise((resolve) => {
    const heard = (message: unknown) => {
      unsubscribe("net.server.socket", heard);
      resolve(message);
    };
    subscribe("net.server.socket", heard);
  });

/** A WebSocket of somebody who never answers. */
async function rawSocket(url: string): Promise<Socket> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = [`GET ${pathname} HTTP/1.1`, "host: x", "connection: upgrade", "upgrade: websocket"];
  socket.write([...lines, "sec-websocket-version: 13", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""].join("\r\n"));
  const [head] = await once(socket, "data");
  expect(String(head)).toMatch(/^HTTP\/1.1 101 /);
  return socket.resume();
}

/** Of a WebSocket's client, masked with zeros. */
const frame = (opcode: number, text: string) =>
  Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);

describe("the events of a job", () => {
  it("are the same, with the same ids, as server-sent events and over a WebSocket, and a task's own are among them", async () => {
    const id = await service.submit(png, { count: "3" });
    const [socket, stream] = await Promise.all([readSocket(openSocket(urlOf(id))), readStream(urlOf(id))]);
    const numbered = ({ events }: Read) => events.filter((event) => event.id !== undefined);
    expect(numbered(socket)).toEqual(numbered(stream));
    expect([socket.code, stream.code]).toEqual([1000, 200]);
    const names = socket.events.map(({ event }) => event);
    expect(names.filter((name) => name !== "progress")).toEqual(["status", "test.told", "test.told", "test.told", "end"]);
    expect(told(socket.events)).toEqual([1, 2, 3]);
    expect(socket.events.findLast(({ event }) => event === "progress")?.data).toEqual({
      job_id: id,
      status: "processing",
      progress: 0.1,
      step: "telling",
    });
    expect(socket.events.at(-1)?.data).toMatchObject({ job_id: id, status: "complete", progress: 1 });
    // All of it again, once it is over.
    expect(numbered(await readStream(urlOf(id)))).toEqual(numbered(stream));
  });

  it("are complete and in order for a client that is cut off fifty times and comes back", { timeout: 60_000 }, async () => {
    const id = await service.submit(png, { count: "300" });
    const events: JobEvent[] = [];
    let cuts = 0;
    for (let seed = 7; !events.some(isEnd); cuts++) {
      seed = (seed * 48_271) % 2_147_483_647;
      const some = cuts < 50 ? 1 + (seed % 5) : Number.POSITIVE_INFINITY;
      const enough = (read: readonly JobEvent[]) => read.length === some;
      const after = lastId(events);
      const read = seed % 2 === 0 ? await readStream(urlOf(id), after, enough) : await readSocket(openSocket(urlOf(id, after)), enough);
      events.push(...read.events);
    }
    expect(cuts).toBeGreaterThanOrEqual(50);
    const whole = await readSocket(openSocket(urlOf(id)));
    const ids = (read: readonly JobEvent[]) => read.flatMap((event) => event.id ?? []);
    expect(told(events)).toEqual(upTo(300));
    expect(ids(events)).toEqual(ids(whole.events));
    expect(new Set(ids(events)).size).toBe(ids(events).length);
  });

  it("are over for whoever has seen the end: nothing comes, and a browser does not come back", async () => {
    const id = await service.submit(png);
    const { events } = await readStream(urlOf(id));
    const end = lastId(events);
    expect(await readStream(urlOf(id), end)).toEqual({ events: [], code: 204 });
    expect(await readSocket(openSocket(urlOf(id, end)))).toEqual({ events: [], code: 1000 });
  });

  it("have a gap where the log has forgotten some", async () => {
    const go = path.join(folder, "go");
    const id = await service.submit(png, { count: "600", go });
    const { events } = await readStream(urlOf(id), undefined, (read) => told(read).length === 1);
    await writeFile(go, "");
    await service.ended(id);
    const rest = await readSocket(openSocket(urlOf(id, lastId(events))));
    expect(rest.events[0]).toEqual({ event: "gap", data: { after: lastId(events) } });
    expect(told(rest.events)).toEqual(upTo(600).slice(-500));
  });
});

describe("an id that no event has", () => {
  it.each(["5", "1-1", "x".repeat(16), "9".repeat(17)])("is refused: %s", async (wrong) => {
    const id = await waiting();
    for (const asked of [fetch(urlOf(id, wrong)), fetch(urlOf(id), { headers: { "last-event-id": wrong } })]) {
      const response = await asked;
      expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: "EVENT_ID_INVALID" })]);
    }
    expect(await refusal(openSocket(urlOf(id, wrong)))).toMatchObject({ status: 400, body: expect.stringContaining("EVENT_ID_INVALID") });
    const socket = openSocket(urlOf(id));
    await once(socket, "open");
    socket.send(JSON.stringify({ after: wrong }));
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([1008, "EVENT_ID_INVALID"]);
  });
});

describe("a WebSocket", () => {
  it("that says where to begin and hangs up at once leaves nobody who follows", async () => {
    const id = await waiting({ count: "1" });
    const { events } = await readStream(urlOf(id), undefined, (read) => told(read).length === 1);
    const jobs = service.serving.service;
    const follow = jobs.follow.bind(jobs);
    const followers: AbortSignal[] = [];
    jobs.follow = (job, after, signal) => {
      followers.push(signal);
      return follow(job, after, signal);
    };
    const socket = await rawSocket(urlOf(id));
    await expect.poll(() => followers.length).toBe(1);
    const closed = once(socket, "close");
    socket.write(Buffer.concat([frame(1, JSON.stringify({ after: lastId(events) })), frame(8, "")]));
    await closed;
    await expect.poll(() => followers.every(({ aborted }) => aborted)).toBe(true);
    expect(followers.length).toBe(1);
    jobs.follow = follow;
  });

  it("begins again after the event that its first message names, and hears no second one", async () => {
    const id = await waiting({ count: "5" });
    const { events } = await readStream(urlOf(id), undefined, (read) => told(read).length === 5);
    const socket = openSocket(urlOf(id));
    const all: JobEvent[] = [];
    socket.on("message", (data) => all.push(JSON.parse(String(data))));
    await once(socket, "open");
    socket.send(JSON.stringify({ after: events.find(({ event }) => event === "test.told")?.id }));
    await expect.poll(() => told(all).slice(-4)).toEqual([2, 3, 4, 5]);
    const closed = once(socket, "close");
    socket.send(JSON.stringify({ after: "" }));
    expect((await closed)[0]).toBe(1008);
  });

  it.each([
    ["1008", "hello", 1008],
    ["1009", JSON.stringify({ after: "9".repeat(5000) }), 1009],
  ])("is closed with %s for a message like %.20s", async (_, message, code) => {
    const id = await waiting();
    const socket = openSocket(urlOf(id));
    await once(socket, "open");
    socket.send(message);
    expect((await once(socket, "close"))[0]).toBe(code);
  });

  it("is refused to pages of other sites, and open to the service's own, to those that are listed, and to programs", async () => {
    const id = await service.submit(png);
    const foreign = await refusal(openSocket(urlOf(id), { origin: "https://elsewhere.example" }));
    expect(foreign).toMatchObject({ status: 403, body: expect.stringContaining("ORIGIN_REFUSED") });
    for (const origin of ["null", service.serving.url.replace("127.0.0.1", "127.0.0.2")])
      expect((await refusal(openSocket(urlOf(id), { origin }))).status).toBe(403);
    for (const origin of ["https://app.example", service.serving.url])
      expect((await readSocket(openSocket(urlOf(id), { origin }))).code).toBe(1000);
  });

  it("asks for the job's token where every request does", async () => {
    const { exports } = await loadApp(module);
    const guarded = await serveJobs({ ...(exports.jobs as PipelineServing), access: "token", app: service.app, port: 0 });
    const form = new FormData();
    form.append("file", new Blob([new Uint8Array(png)]));
    const uploaded = await (await fetch(`${guarded.url}/upload`, { method: "POST", body: form })).json();
    const { job_id: id, access_token: token } = uploaded as { readonly job_id: string; readonly access_token: string };
    const url = `${guarded.url}/events/${id}`;
    expect((await refusal(openSocket(url))).status).toBe(404);
    expect((await refusal(openSocket(`${url}?token=${token}x`))).status).toBe(404);
    expect((await readSocket(openSocket(`${url}?token=${token}`))).code).toBe(1000);
    expect((await readSocket(openSocket(url, { authorization: `Bearer ${token}` }))).code).toBe(1000);
    await guarded.close();
  });

  it("is refused as every request is, with a code, for a job that does not exist", async () => {
    const { status, body } = await refusal(openSocket(urlOf("AAAAAAAAAAAAAAAAAAAAAA")));
    expect([status, JSON.parse(body)]).toEqual([404, expect.objectContaining({ code: "JOB_NOT_FOUND" })]);
  });

  it("that was refused keeps no connection, even of a client that does not end it", async () => {
    const { hostname, port } = new URL(service.serving.url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    const closed = new Promise((resolve) => socket.on("error", () => undefined).once("close", resolve));
    const lines = ["GET /events/AAAAAAAAAAAAAAAAAAAAAA HTTP/1.1", "host: x", "connection: upgrade", "upgrade: websocket", "", ""];
    socket.write(lines.join("\r\n"));
    await once(socket.resume(), "end");
    // Whoever is still there takes it; whoever has gone resets the connection.
    const talking = setInterval(() => socket.write("still here"), 50);
    await closed;
    clearInterval(talking);
  });

  it("is closed with 1001 when the service ends, and its server ends although a client does not answer", async () => {
    const { exports } = await loadApp(module);
    const other = await serveJobs({ ...(exports.jobs as PipelineServing), app: service.app, port: 0 });
    const id = await waiting();
    const url = `${other.url}/events/${id}`;
    const polite = readSocket(openSocket(url));
    const gone = once(await rawSocket(url), "close");
    await other.close();
    await gone;
    expect((await polite).code).toBe(1001);
  });
});

describe("a client that", () => {
  it("does not answer pings is dropped", async () => {
    const id = await waiting();
    await once(await rawSocket(urlOf(id)), "close");
  });

  it("answers them stays, however little happens", async () => {
    const id = await waiting();
    const socket = openSocket(urlOf(id));
    await once(socket, "open");
    for (let pings = 0; pings < 3; pings++) await once(socket, "ping");
    expect(socket.readyState).toBe(socket.OPEN);
    socket.terminate();
  });

  it("takes nothing is cut off, and holds up neither the job nor another client", { timeout: 60_000 }, async () => {
    // More than the buffers of two sockets: 480 events of 16 kB.
    const id = await service.submit(png, { count: "480", bytes: "16000" });
    const accepted = nextAccepted();
    const slow = openSocket(urlOf(id));
    const { socket: itsSocket } = (await accepted) as { readonly socket: Socket };
    const reading = readSocket(slow);
    await once(slow, "open");
    slow.pause();
    const other = await readStream(urlOf(id));
    expect(told(other.events)).toEqual(upTo(480));
    // What waits for it here is one event, whatever the job says.
    expect(itsSocket.writableLength).toBeLessThan(2 * 16_384);
    if (!itsSocket.destroyed) await once(itsSocket, "close");
    slow.resume();
    const { events, code } = await reading;
    expect([1006, 1013]).toContain(code);
    expect(told(events).length).toBeLessThan(480);
    // It comes back for the rest.
    const rest = await readSocket(openSocket(urlOf(id, lastId(events))));
    expect([...told(events), ...told(rest.events)]).toEqual(upTo(480));
  });
});

describe("a wish for another protocol", () => {
  it.each([
    ["GET", "/health", 200],
    ["POST", "/upload", 400],
  ])("is ignored: %s %s is answered as without it", async (method, route, status) => {
    const asked = request(service.serving.url + route, {
      method,
      headers: { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAAP__" },
    });
    asked.end(method === "POST" ? "no form" : undefined);
    const [response] = await once(asked, "response");
    response.resume();
    expect(response.statusCode).toBe(status);
  });
});
