import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, it } from "vitest";
import { guardedServer, guardServer } from "./server-guard.ts";

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

it("cuts off a client that takes nothing of its answer, and none whose answer takes long", async () => {
  server = createServer(guardedServer, (request, response) => {
    if (request.url === "/late") response.once("timeout", () => setImmediate(() => response.end("late")));
    else response.end(Buffer.alloc(64 * 2 ** 20));
  });
  guardServer(server, undefined, 200);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const taking = connect(port, "127.0.0.1").on("error", () => undefined);
  taking.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const late = await fetch(`http://127.0.0.1:${port}/late`, { headers: { connection: "close" } });
  expect(await late.text()).toBe("late");
  await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count))), { timeout: 20_000 }).toBe(0);
  taking.destroy();
});
