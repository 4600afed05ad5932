import { join } from "node:path";
import { createClient } from "@redis/client";
import { createApp, remoteTask } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Desk } from "./cli.ts";

const open = (broker: string) => createApp({ name: "sender", broker, environment: false, folder: false });
type App = ReturnType<typeof open>;
const task = remoteTask<readonly [n: number]>("t.m");
const sent = async (app: App, count: number, queue: string) => {
  const ids: string[] = [];
  for (let from = 0; from < count; from += 500)
    ids.push(
      ...(
        await app.sendMany(
          task,
          Array.from({ length: Math.min(500, count - from) }, (_, i) => [from + i] as const),
          { queue },
        )
      ).map(({ id }) => id),
    );
  return ids;
};
const idsIn = async (app: App, queue: string) => (await app.queues.peek(queue, { limit: 100_000 })).map(({ taskId }) => taskId);

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("lovage migrate and lovage list", () => {
  let redis: RedisServer;
  let desk: Desk;
  const apps: App[] = [];
  const at = (url: string) => {
    const app = open(url);
    apps.push(app);
    return app;
  };
  beforeAll(async () => {
    redis = await startRedis();
    desk = new Desk();
  });
  afterAll(async () => {
    for (const app of apps) await app.close();
    await desk.close();
    await redis.stop();
  });
  const file = () => `sqlite:${join(desk.folder, `${Math.random()}.db`)}`;

  it.each([
    ["an embedded store to Redis", 1, true],
    ["Redis to an embedded store", 2, false],
  ] as const)("moves from %s in order, with priorities and times, also what nobody can read", async (_, database, toRedis) => {
    const [url, embedded] = [`${redis.url}/${database}`, file()];
    const [source, target] = toRedis ? [at(embedded), at(url)] : [at(url), at(embedded)];
    const a = await source.send("t.a", [], { queue: "one", priority: 9 });
    const [b, c] = await sent(source, 2, "one");
    const store = await source.store();
    const garbage = { taskId: "?", queue: "one", priority: 0, bytes: new Uint8Array([0xff, 0x00]) };
    await store.broker.publish({ messages: [garbage, garbage, { ...garbage, parkMs: 3_600_000 }] });
    await source.send("t.b", [], { queue: "two" });
    const [from, to] = toRedis ? [embedded, url] : [url, embedded];
    expect(await desk.json("migrate", from, to, "-T", "t.b")).toEqual({ migrated: 1, removed: false });
    expect([await idsIn(source, "two"), await idsIn(target, "two")].map((ids) => ids.length)).toEqual([1, 1]);
    expect(await desk.json("migrate", from, to, "-a", "-Q", "one", "-t", "0", "-n", "1")).toEqual({ migrated: 1, removed: true });
    expect(await desk.json("migrate", from, to, "-a", "-t", "0")).toEqual({ migrated: 6, removed: true });
    expect(await idsIn(target, "one")).toEqual([b, c, null, null, a.id]);
    // A copy is a copy: it is another's matter whether it has run meanwhile.
    expect((await idsIn(target, "two")).length).toBe(2);
    expect(await target.queues.list(["one"])).toMatchObject([{ waiting: 5, parked: 1 }]);
    expect(await source.queues.list()).toMatchObject([{ waiting: 0, parked: 0 }, { waiting: 0 }]);
    expect((await (await target.store()).leases.promote(10)).promoted).toBe(0);
    // What comes back is no stranger.
    expect(await desk.json("migrate", to, from, "-a", "-t", "0", "-Q", "one")).toEqual({ migrated: 6, removed: true });
    expect(await desk.json("migrate", from, to, "-a", "-t", "0")).toEqual({ migrated: 6, removed: true });
    expect(await idsIn(target, "one")).toEqual([b, c, null, null, a.id]);
  });

  it("takes no store twice, whatever its names, and none that ends with it", async () => {
    const url = `${redis.url}/9`;
    await at(url).send("t.a", [], { queue: "one" });
    const sameServer = url.replace("127.0.0.1", "localhost");
    for (const dest of [url, sameServer, "memory:"])
      expect(await desk.run("migrate", url, dest, "-a", "-Q", "one"), dest).toMatchObject({ code: 64 });
    expect(await idsIn(at(url), "one")).toHaveLength(1);
  });

  it.each([
    ["sqlite", 3],
    ["redis", 4],
  ] as const)("loses and doubles nothing when it is killed, from %s", { timeout: 60_000 }, async (kind, database) => {
    const [from, to] = [kind === "sqlite" ? file() : `${redis.url}/5`, `${redis.url}/${database}`];
    const [source, target] = [at(from), at(to)];
    const ids = await sent(source, 2000, "q");
    const there = async () => (await (await target.store()).broker.queues.depth(["q"]))[0] ?? 0;
    for (const moved of [1, 700, 1400]) {
      const mover = desk.start(["migrate", from, to, "-a"]);
      await waitFor("some to be moved", async () => (await there()) >= moved, 20_000);
      mover.child.kill("SIGKILL");
      await mover.ended;
    }
    expect((await desk.run("migrate", from, to, "-a", "-t", "0")).code).toBe(0);
    expect(await idsIn(source, "q")).toEqual([]);
    expect(await idsIn(target, "q")).toEqual(ids);
  });

  it("goes on with what comes until it is stopped", async () => {
    const [from, to] = [`${redis.url}/6`, `${redis.url}/7`];
    const [source, target] = [at(from), at(to)];
    const mover = desk.start(["migrate", from, to, "-a", "-F", "--json"]);
    for (let n = 1; n <= 3; n += 1) {
      await source.send("t.a", [], { queue: "q" });
      await waitFor("it to be there", async () => (await target.queues.list(["q"]))[0]?.waiting === n);
    }
    mover.child.kill("SIGTERM");
    expect(await mover.ended).toMatchObject({ code: 0, stdout: '{"migrated":3,"removed":true}\n' });
    expect(await desk.run("migrate", from, to, "-F")).toMatchObject({ code: 64, stderr: expect.stringContaining("--ack-messages") });
    expect(await desk.run("migrate", from, from)).toMatchObject({ code: 64 });
  });

  it("lists bindings, Python's topic exchanges too", async () => {
    const url = `${redis.url}/8`;
    await at(url).send("t.a", [], { queue: "one" });
    const client = createClient({ url });
    await client.connect();
    // celery-wire.md §1.4
    await client.sAdd("_kombu.binding.media", "media.video.#\u0006\u0016^media\\.video\\..*?$\u0006\u0016video");
    await client.sAdd("_kombu.binding.celery.pidbox", "\u0006\u0016\u0006\u0016w@h.celery.pidbox");
    await client.close();
    const bindings = [
      { exchange: "one", queue: "one", routingKey: "one" },
      { exchange: "media", queue: "video", routingKey: "media.video.#" },
    ];
    expect(await desk.json("list", "bindings", "-b", url)).toEqual({ bindings });
    expect((await desk.run("list", "bindings", "-b", url)).stdout).toMatch(
      /^QUEUE +EXCHANGE +ROUTING KEY\none +one +one\nvideo +media +media\.video\.#\n$/,
    );
    expect(await desk.run("list", "pots", "-b", url)).toMatchObject({ code: 64 });
  });
});
