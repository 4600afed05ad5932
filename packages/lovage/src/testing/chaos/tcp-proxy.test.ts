import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createClient } from "@redis/client";
import { afterEach, test as anyTest, beforeEach, expect, onTestFinished, test } from "vitest";
import { startRedis } from "../redis-server.ts";
import { TcpProxy } from "./tcp-proxy.ts";

const withRedis = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

/** Says everything back. */
let echo: Server;
let proxy: TcpProxy;
/** What the server has heard, over all connections. */
let heard = "";

beforeEach(async () => {
  heard = "";
  echo = createServer((socket) => {
    socket.on("data", (bytes) => {
      heard += String(bytes);
      socket.write(bytes);
    });
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
  proxy = await TcpProxy.start({ port: (echo.address() as AddressInfo).port });
});
afterEach(async () => {
  await proxy.close();
  echo.close();
});

interface Client {
  readonly socket: Socket;
  /** All that came back. */
  received(): string;
  /** Code of the error that ended it, "" when it ended in order. */
  readonly closed: Promise<string>;
}

async function open(): Promise<Client> {
  const socket = connect(proxy.port, "127.0.0.1");
  let text = "";
  let code = "";
  socket.on("data", (bytes) => {
    text += String(bytes);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code ?? "";
  });
  onTestFinished(() => void socket.destroy());
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(code)));
  const connected = new Promise((resolve) => socket.on("connect", resolve));
  await Promise.race([connected, closed]);
  return { socket, received: () => text, closed };
}

async function echoes(client: Client, text: string): Promise<void> {
  client.socket.write(text);
  await expect.poll(client.received, { interval: 5 }).toContain(text);
}

async function swallows(cause: () => void): Promise<void> {
  const before = proxy.swallowedBytes;
  cause();
  await expect.poll(() => proxy.swallowedBytes, { interval: 5 }).toBeGreaterThan(before);
}

test("without a fault bytes and ends go through", async () => {
  const client = await open();
  await echoes(client, "hello");
  expect(proxy.connections).toBe(1);
  client.socket.end();
  expect(await client.closed).toBe("");
  await expect.poll(() => proxy.connections).toBe(0);
});

test("cut: open connections are reset, the next one works", async () => {
  const client = await open();
  await echoes(client, "a");
  proxy.cut();
  expect(await client.closed).toBe("ECONNRESET");
  await echoes(await open(), "b");
});

test("refuse: new connections are refused, open ones go on; accept takes new ones on the same port", async () => {
  const client = await open();
  await echoes(client, "a");
  proxy.refuse();
  expect(await (await open()).closed).toBe("ECONNREFUSED");
  await echoes(client, "b");
  await proxy.accept();
  await echoes(await open(), "c");
});

test("a server that is gone: the client is reset", async () => {
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, "close");
  const wire = await TcpProxy.start({ port });
  onTestFinished(() => wire.close());
  const socket = connect(wire.port, "127.0.0.1");
  const [error] = await once(socket, "error");
  expect(error.code).toBe("ECONNRESET");
});

test("delay: each way takes so much longer, and order stays", async () => {
  const client = await open();
  proxy.delay(60);
  const start = performance.now();
  client.socket.write("1");
  await echoes(client, "23");
  expect(performance.now() - start).toBeGreaterThanOrEqual(118);
  expect(client.received()).toBe("123");
});

test("dribble: so many bytes at a time", async () => {
  const client = await open();
  const pieces: string[] = [];
  client.socket.on("data", (bytes) => pieces.push(String(bytes)));
  proxy.dribble(2, 10);
  await echoes(client, "abcdefg");
  expect(pieces.join("")).toBe("abcdefg");
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(4);
});

test("half open: the server hears and the client does not, or the other way round", async () => {
  const client = await open();
  await echoes(client, "before");
  proxy.halfOpen();
  client.socket.write("lost");
  await expect.poll(() => heard).toBe("beforelost");
  await proxy.heal();
  await echoes(await open(), "new");
  // Behind bytes that were lost nothing may come.
  client.socket.write("after");
  await expect.poll(() => heard).toBe("beforelostnewafter");
  expect(client.received()).toBe("before");

  const other = await open();
  proxy.halfOpen("to-client");
  await swallows(() => other.socket.write("unheard"));
  await proxy.heal();
  await echoes(await open(), "end");
  expect(heard).not.toContain("unheard");
});

test("black hole: nothing is told, not even an end; whoever lost nothing goes on", async () => {
  const [deaf, lucky] = [await open(), await open()];
  proxy.blackHole();
  await swallows(() => deaf.socket.write("lost"));
  const late = await open();
  await swallows(() => late.socket.write("lost too"));
  expect(proxy.connections).toBe(3);
  await proxy.heal();
  await echoes(lucky, "heard");
  expect(heard).toBe("heard");
  expect([deaf.received(), late.received()]).toEqual(["", ""]);
  proxy.cut();
  expect(await deaf.closed).toBe("ECONNRESET");
});

withRedis("dropped replies: the command is carried out, its reply is not told, and the connection is reset", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const wire = await TcpProxy.start({ port: server.port });
  onTestFinished(() => wire.close());
  const url = `redis://127.0.0.1:${wire.port}`;
  const client = createClient({ url, RESP: 3, socket: { reconnectStrategy: 5 }, disableOfflineQueue: false });
  client.on("error", () => {});
  await client.connect();
  onTestFinished(() => client.destroy());
  const observer = await createClient({ url: server.url }).connect();
  onTestFinished(() => observer.destroy());

  wire.dropReplies({ of: "incr", every: 3 });
  const outcomes: string[] = [];
  for (let i = 0; i < 6; i += 1) {
    const [ping, incr] = await Promise.allSettled([client.ping(), client.incr("n")]);
    outcomes.push(`${ping.status} ${incr.status}`);
    if (incr.status === "rejected") await once(client, "ready");
  }
  const [fine, cut] = ["fulfilled fulfilled", "fulfilled rejected"];
  expect(outcomes).toEqual([fine, fine, cut, fine, fine, cut]);
  expect(await observer.get("n")).toBe("6");

  wire.dropReplies({ of: ([name, key]) => name === "GET" && key === "n" });
  expect(await client.get("other")).toBe(null);
  await expect(client.get("n")).rejects.toThrow();
  await wire.heal();
  await once(client, "ready");
  expect(await client.get("n")).toBe("6");
});
