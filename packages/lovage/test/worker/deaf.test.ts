// A node that healing cannot help: the store takes its beats and answers its questions, and never those of its runners for messages.
import { type RedisServer, startRedis, TcpProxy } from "lovage/testing";
import { afterAll, expect, it } from "vitest";
import { skips } from "../bad-input/place.ts";
import { Desk } from "../cli/cli.ts";
import { waitFor } from "./wait-for.ts";

const open: { close(): Promise<void> }[] = [];
const servers: RedisServer[] = [];
afterAll(async () => {
  for (const each of open.reverse()) await each.close();
  await Promise.all(servers.map((server) => server.stop()));
});

/** Some 45 s where the machine is free: noticed within 15 s, then 30 s. A look that fails on a busy one begins anew. */
const mostMs = 150_000;

it.skipIf(skips("redis")).concurrent.each(["async", "processes"])(
  "ends with 75 in the pool %s, so that its init system starts another, and leaves the messages to that",
  { timeout: 2 * mostMs },
  async (pool) => {
    const redis = await startRedis();
    servers.push(redis);
    const proxy = await TcpProxy.start({ port: redis.port });
    const desk = new Desk(`redis://127.0.0.1:${proxy.port}`);
    open.push(proxy, desk);
    const node = await desk.worker("-P", pool, "-c", "2", "-l", "debug");
    const direct = new Desk(redis.url);
    open.push(direct);
    expect((await direct.run("call", "t.add", "1", "2", "--wait")).stdout).toContain("3");
    // Reserve and commit name what a runner has in flight; presence, bells, control and the lengths of queues do not.
    proxy.dropReplies({ of: (words) => words.some((word) => word.includes(":flight:")) });
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await direct.run("call", "t.add", "1", "2")).stdout.trim()));
    await waitFor("the node to give up", () => node.child.exitCode !== null, mostMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${node.stdout}\n${node.stderr}`);
    });
    expect((await node.ended).code).toBe(75);
    await proxy.heal();
    await desk.worker("-P", pool, "-c", "2");
    for (const id of ids) expect((await direct.run("result", id, "--wait")).stdout).toContain("3");
  },
);
