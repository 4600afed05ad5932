import { connect } from "node:net";
import { afterAll, test as anyTest, beforeAll, expect } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ appendOnly: true });
});
afterAll(() => server.stop());

/** One inline command and the first bytes of its reply; undefined: nothing within `ms`. */
function ask(command: string, ms = 3000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: "127.0.0.1" }, () => socket.write(`${command}\r\n`));
    const done = (text?: string) => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(ms, () => done());
    socket.on("error", () => done());
    socket.on("data", (chunk) => done(String(chunk)));
  });
}

test("answers on its own port under its own pid", async () => {
  expect(server.url).toBe(`redis://127.0.0.1:${server.port}`);
  expect(await ask("INFO server")).toContain(`process_id:${server.pid}\r\n`);
});

test("a frozen server accepts and does not answer, and goes on when thawed", async () => {
  server.pause();
  expect(await ask("PING", 100)).toBeUndefined();
  server.resume();
  expect(await ask("PING")).toBe("+PONG\r\n");
});

test("comes back on the same port with its data", async () => {
  await ask("SET kept 1");
  const before = server.pid;
  await server.restart();
  expect(server.pid).not.toBe(before);
  expect(await ask("GET kept")).toBe("$1\r\n1\r\n");
});

test("a missing redis-server is named", async () => {
  await expect(startRedis({ command: "no-such-redis-server" })).rejects.toMatchObject({ code: "LOVAGE_REDIS_SERVER_MISSING" });
});
