// A program that has closed its app is done, whatever its broker does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";

const program = `
  import { createApp } from "${import.meta.resolve("lovage")}";
  const app = createApp({ broker: process.argv[1], deadlineMs: 700, environment: false, folder: false, onFault: () => {} });
  await app.send("x").catch((error) => console.log(error.code));
  await app.close();
  console.log("closed");
`;

it.each([
  ["refuses", false],
  ["accepts and says nothing", true],
])("ends at once after close() while its broker %s", async (_, listens) => {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  if (!listens) server.close(); // nobody is ever given port 1
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, `redis://127.0.0.1:${port}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let closedAt = 0;
  let said = "";
  child.stdout.on("data", (text) => {
    said += String(text);
    if (said.includes("closed")) closedAt = performance.now();
  });
  await once(child, "close");
  expect(said).toBe("LOVAGE_BROKER_UNAVAILABLE\nclosed\n");
  // Not only when a connection that is being opened would be given up: after 1.5 s.
  expect(performance.now() - closedAt).toBeLessThan(1400);
});
