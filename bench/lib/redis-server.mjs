// A Redis of the bench's own: a free port asked from the OS, nothing written before its pid is checked, no persistence.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Redis } from "ioredis";

export async function startRedis() {
  const port = await freePort();
  const child = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], {
    stdio: "ignore",
  });
  const client = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: null, retryStrategy: () => 20 });
  client.on("error", () => {}); // refused until it listens; the check below decides
  const info = await client.info("server");
  if (!info.includes(`process_id:${child.pid}\r`)) throw new Error(`Port ${port} is held by a Redis that the bench did not start.`);
  return {
    port,
    url: `redis://127.0.0.1:${port}/0`,
    client,
    version: /redis_version:([\d.]+)/.exec(info)?.[1] ?? "unknown",
    /** Seconds of CPU that the server has used. */
    async cpuSeconds() {
      const cpu = await client.info("cpu");
      return [...cpu.matchAll(/used_cpu_(?:sys|user):([\d.]+)/g)].reduce((sum, [, seconds]) => sum + Number(seconds), 0);
    },
    async stop() {
      client.disconnect();
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

async function freePort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
