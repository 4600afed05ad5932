import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, test as anyTest, beforeAll, expect, vi } from "vitest";
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

test("does not outlive the process that started it, even one that was killed", async () => {
  const module = new URL("./redis-server.ts", import.meta.url).pathname;
  const code = `
    const { createJiti } = await import("jiti");
    const { startRedis } = await createJiti(process.cwd() + "/").import(${JSON.stringify(module)});
    console.log((await startRedis()).pid);
    setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(starter.stdout, "data")) as [Buffer];
  const pid = Number(String(line));
  expect(alive(pid)).toBe(true);
  starter.kill("SIGKILL");
  await expect.poll(() => alive(pid), { timeout: 5000 }).toBe(false);
});

test("a missing redis-server is named", async () => {
  await expect(startRedis({ command: "no-such-redis-server" })).rejects.toMatchObject({ code: "LOVAGE_REDIS_SERVER_MISSING" });
});

test("another server takes its place where LOVAGE_REDIS_SERVER names one", async () => {
  vi.stubEnv("LOVAGE_REDIS_SERVER", "no-such-valkey-server");
  await expect(startRedis()).rejects.toMatchObject({ message: expect.stringContaining("Cannot start no-such-valkey-server") });
  vi.unstubAllEnvs();
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
