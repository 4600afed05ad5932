// What probes see of a node: over its port, in its file, and by `lovage health`.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type RedisServer, startRedis, TcpProxy } from "lovage/testing";
import { afterAll, describe, expect, it } from "vitest";
import { skips } from "../bad-input/place.ts";
import { appModule, Desk, type Running } from "../cli/cli.ts";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

interface Ready {
  readonly status: string;
  readonly node: string;
  readonly checks: readonly { readonly code: string | null; readonly ageMs: number }[];
  readonly runners: { readonly total: number; readonly consuming: number };
}

const urlOf = async (node: Running) => (await node.says(/^health +(http:\S+)$/m))[1] as string;
async function readyz(url: string) {
  const response = await fetch(`${url}/readyz`);
  const body = (await response.json()) as Ready;
  return { code: response.status, ...body, codes: body.checks.flatMap(({ code }) => code ?? []) };
}
/** The first answer with this status, and how long it took to come. */
async function becomes(url: string, code: number, withinMs = 20_000) {
  const from = performance.now();
  const seen = await waitFor(
    `/readyz to say ${code}`,
    async () => {
      const answer = await readyz(url);
      return answer.code === code ? answer : undefined;
    },
    withinMs,
  );
  return { ...seen, afterMs: performance.now() - from };
}
const livez = async (url: string) => (await fetch(`${url}/livez`)).status;

const desks: Desk[] = [];
const servers: RedisServer[] = [];
const proxies: TcpProxy[] = [];
afterAll(async () => {
  await Promise.all(desks.map((desk) => desk.close()));
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all(servers.map((server) => server.stop()));
});
function desk(broker?: string): Desk {
  const made = new Desk(broker);
  desks.push(made);
  return made;
}
const probed = ["--health-port", "0", "-c", "1"];

// Most of them wait for what a busy machine may be allowed: side by side.
describe.concurrent("a node that is probed", () => {
  it("is live and ready while code loops in all of its places", async () => {
    const bench = new Bench();
    try {
      const place = desk(bench.broker);
      const node = await place.worker("-P", "processes", ...probed);
      const url = await urlOf(node);
      await becomes(url, 200);
      const file = bench.file();
      await bench.app.send("t.spin", [file]);
      await bench.started(file);
      // Longer than any of its limits for a runner that has a place free.
      const until = performance.now() + 12_000;
      await waitFor(
        "the time of a loop",
        async () => {
          expect(await readyz(url)).toMatchObject({ code: 200, status: "ready", runners: { total: 1, consuming: 1 } });
          expect(await livez(url)).toBe(200);
          return performance.now() > until;
        },
        30_000,
      );
    } finally {
      await bench.close();
    }
  });

  it("is live and not ready within 20 s when its only runner is frozen", async () => {
    const place = desk();
    const node = await place.worker("-P", "processes", ...probed);
    const url = await urlOf(node);
    await becomes(url, 200);
    const { nodes } = await place.json<{ nodes: { runners: number[] }[] }>("status");
    const frozen = nodes[0]?.runners[0] as number;
    process.kill(frozen, "SIGSTOP");
    const seen = await becomes(url, 503);
    expect(seen.codes).toEqual(["runner-silent"]);
    expect(seen.afterMs).toBeLessThan(20_000);
    expect(await livez(url)).toBe(200);
    process.kill(frozen, "SIGCONT");
    await becomes(url, 200);
  });

  it.skipIf(skips("redis"))("is not ready within 20 s when the answers to its questions for messages are swallowed", async () => {
    const redis = await startRedis();
    servers.push(redis);
    const proxy = await TcpProxy.start({ port: redis.port });
    proxies.push(proxy);
    const place = desk(`redis://127.0.0.1:${proxy.port}`);
    const node = await place.worker("-P", "async", ...probed);
    const url = await urlOf(node);
    await becomes(url, 200);
    // Reserve and commit name what a runner has in flight; presence, bells and control do not.
    proxy.dropReplies({ of: (words) => words.some((word) => word.includes(":flight:")) });
    await place.run("call", "t.add", "1", "2");
    const seen = await becomes(url, 503);
    expect(seen.codes).toEqual(["reserve-unanswered"]);
    expect(seen.afterMs).toBeLessThan(20_000);
    await proxy.heal();
    await becomes(url, 200);
  });

  it.skipIf(skips("redis"))("is live and not ready while its Redis is down", async () => {
    const redis = await startRedis();
    servers.push(redis);
    const node = await desk(redis.url).worker("-P", "async", ...probed);
    const url = await urlOf(node);
    await becomes(url, 200);
    await redis.down();
    // Whichever is noticed first: that its own beats, or its runner's questions, are not answered.
    await becomes(url, 503);
    await waitFor("the silent store to be named", async () => (await readyz(url)).codes.includes("store-silent"), 20_000);
    expect(await livez(url)).toBe(200);
    await redis.restart();
    await becomes(url, 200, 30_000);
  });

  it("is not ready from when it is asked to stop, until it is gone", async () => {
    const bench = new Bench();
    try {
      const node = await desk(bench.broker).worker("-P", "async", ...probed);
      const url = await urlOf(node);
      const [file, gate] = [bench.file(), bench.file()];
      await bench.app.send("t.wait", [file, gate]);
      await bench.started(file);
      node.child.kill("SIGTERM");
      expect((await becomes(url, 503)).codes).toEqual(["draining"]);
      writeFileSync(gate, "");
      expect((await node.ended).code).toBe(0);
      await expect(fetch(`${url}/livez`)).rejects.toThrow("fetch failed");
    } finally {
      await bench.close();
    }
  });
});

describe("lovage health", () => {
  it("says 0, 1 or 69 by port and by file, and needs neither app nor store", async () => {
    const place = desk();
    const file = place.file();
    const node = await place.worker("-P", "async", "--health-file", file, ...probed);
    const port = new URL(await urlOf(node)).port;
    await waitFor("the file", () => JSON.parse(readFileSync(file, "utf8")).ready);
    const nowhere = { LOVAGE_BROKER: "redis://127.0.0.1:1", LOVAGE_WORKER_HEALTH_PORT: port };
    for (const args of [["--port", port], ["--health-file", file], []])
      expect(await place.start(["health", ...args], nowhere).ended).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(" is ready"),
      });
    const report = await place.json<Ready>("health", "--health-file", file);
    expect(report).toMatchObject({ ready: true, runners: { total: 1, consuming: 1 } });

    node.child.kill("SIGSTOP");
    const silent = await place.run("health", "--port", port, "-t", "0.5", "--live");
    expect(silent).toMatchObject({ code: 69, stderr: expect.stringContaining("no answer in 500 ms") });
    node.child.kill("SIGCONT");
    expect((await node.stop()).code).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect((await place.run("health", "--port", port)).code).toBe(69);
    expect((await place.run("health", "--health-file", file)).code).toBe(69);
    expect((await place.run("health")).code).toBe(64);
  });

  it("takes a file that nobody writes any more, and a port of somebody else, for no answer", async () => {
    const place = desk();
    const file = place.file();
    const report = { node: "celery@gone", pid: 1, ready: true, checks: [], runners: { total: 1, consuming: 1 } };
    writeFileSync(file, JSON.stringify({ at: Date.now() - 16_000, ...report }));
    expect(await place.run("health", "--health-file", file)).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/was last written \d+ s ago/),
    });
    writeFileSync(
      file,
      JSON.stringify({ at: Date.now(), ...report, ready: false, checks: [{ name: "store", ok: false, code: "store-silent" }] }),
    );
    expect(await place.run("health", "--health-file", file)).toMatchObject({
      code: 1,
      stdout: "celery@gone is not ready: store-silent\n",
    });
    const stranger = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
    await waitFor("the stranger", () => stranger.listening);
    const { port } = stranger.address() as AddressInfo;
    expect(await place.run("health", "--port", String(port))).toMatchObject({ code: 69, stderr: expect.stringContaining("is no node") });
    const taken = await place.run("worker", "-A", appModule, "--health-port", String(port));
    expect(taken).toMatchObject({ code: 78, stderr: expect.stringContaining("LOVAGE_ADDRESS_UNUSABLE") });
    stranger.close();
  });
});
