/**
 * What Flower 2.1.0 (with Celery 5.2.6) broadcast when its pages were opened and its buttons pressed, beside nodes of Lovage: the
 * same bytes again, and what the nodes answer and do. Flower itself was seen to show it; interop/README.md says how.
 */
import { readFileSync } from "node:fs";
import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Child } from "./support/child.ts";
import { Site } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

interface Pressed {
  /** The HTTP request to Flower. */
  readonly request: string;
  readonly form: Readonly<Record<string, unknown>> | null;
  /** The command that it became. */
  readonly method: string;
  readonly envelope: string;
}
const presses: readonly Pressed[] = JSON.parse(readFileSync(new URL("./flower/flower-2.1.0.json", import.meta.url), "utf8"));
const [pool, auto] = ["ts-processes@host", "ts-auto@host"];

// biome-ignore lint/suspicious/noExplicitAny: bodies of Celery's, compared by hand
const bodyOf = (envelope: string): any => JSON.parse(Buffer.from(JSON.parse(envelope).body, "base64").toString());

function pressed(method: string, where: (body: ReturnType<typeof bodyOf>) => boolean = () => true): Pressed {
  const found = presses.find((press) => press.method === method && where(bodyOf(press.envelope)));
  if (found === undefined) throw new Error(`no press of ${method} was kept`);
  return found;
}
const at = (node: string) => (body: ReturnType<typeof bodyOf>) => body.destination?.includes(node);

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("Flower", () => {
  let site: Site;
  let redis: ReturnType<typeof createClient>;
  let nodes: readonly [Child, Child];
  beforeAll(async () => {
    site = await Site.open();
    redis = createClient({ url: site.url });
    await redis.connect();
    nodes = await Promise.all([
      site.lovageWorker(pool, "-P", "processes", "-c", "2", "-Q", "ts"),
      site.lovageWorker(auto, "-P", "processes", "--autoscale", "3,1", "-Q", "ts-auto"),
    ]);
  }, 60_000);
  afterAll(async () => {
    redis.destroy();
    await site.close();
  });

  /** Node → reply, of as many nodes; nothing for a command that wants none. */
  async function press({ envelope }: Pressed, nodes = 1): Promise<Record<string, unknown>> {
    const body = bodyOf(envelope);
    const replies: Record<string, unknown> = {};
    const oid = body.reply_to?.routing_key;
    if (oid !== undefined)
      await redis.sAdd("_kombu.binding.reply.celery.pidbox", `${oid}\u0006\u0016\u0006\u0016${oid}.reply.celery.pidbox`);
    expect(await redis.publish("/0.celery.pidbox", envelope)).toBeGreaterThan(0);
    while (oid !== undefined && Object.keys(replies).length < nodes) {
      const popped = await redis.brPop(`${oid}.reply.celery.pidbox`, 10);
      if (popped === null) throw new Error(`no reply to ${body.method}`);
      Object.assign(replies, bodyOf(popped.element));
    }
    return replies;
  }
  const on = async (method: string, node: string) => (await press(pressed(method, at(node))))[node];
  const stats = async () => (await press(pressed("stats"), 2))[pool] as { readonly pool: Readonly<Record<string, unknown>> };

  it("gets from each node all that its pages show", async () => {
    const shapes = {
      stats: { pool: expect.objectContaining({ processes: expect.any(Array) }), pid: expect.any(Number), broker: expect.any(Object) },
      active_queues: [expect.objectContaining({ name: "ts", exchange: expect.objectContaining({ name: "ts" }), routing_key: "ts" })],
      registered: expect.arrayContaining(["ts.add"]),
      active: [],
      scheduled: [],
      reserved: [],
      revoked: [],
      conf: expect.objectContaining({ broker_url: expect.any(String) }),
    };
    for (const [method, shape] of Object.entries(shapes)) {
      const replies = await press(pressed(method), 2);
      expect(Object.keys(replies).sort()).toEqual([auto, pool]);
      if (Array.isArray(shape)) expect(replies[pool]).toEqual(shape);
      else if (method === "registered") expect(replies[pool]).toEqual(shape);
      else expect(replies[pool]).toMatchObject(shape);
    }
  });

  it("makes the pool larger and smaller, and is told where it may not", async () => {
    expect(await on("pool_grow", pool)).toEqual({ ok: "pool will grow" });
    await waitFor("three at a time", async () => (await stats()).pool["max-concurrency"] === 3);
    expect(await on("pool_shrink", pool)).toEqual({ ok: "pool will shrink" });
    await waitFor("two at a time", async () => (await stats()).pool["max-concurrency"] === 2);
    expect(await on("autoscale", pool)).toEqual({ error: "ValueError('Autoscale not enabled')" });
    expect(await on("autoscale", auto)).toEqual({ ok: "autoscale now max=2 min=1" });
    expect(await on("pool_grow", auto)).toEqual({ error: expect.stringContaining("not supported with autoscale") });
    expect(await on("pool_restart", pool)).toEqual({ error: "ValueError('Pool restarts not enabled')" });
  });

  it("adds a queue and cancels it", async () => {
    expect(await on("add_consumer", pool)).toEqual({ ok: "add consumer extra" });
    expect(await (await site.app.send("ts.add", [1, 2], { queue: "extra" })).get({ timeoutMs: 20_000 })).toBe(3);
    expect(await on("cancel_consumer", pool)).toEqual({ ok: "no longer consuming from extra" });
    const queues = (await press(pressed("active_queues"), 2))[pool] as readonly { readonly name: string }[];
    expect(queues.map(({ name }) => name)).toEqual(["ts"]);
  });

  it("changes limits of a task", async () => {
    expect(await on("rate_limit", pool)).toEqual({ ok: "new rate limit set successfully" });
    expect((await press(pressed("registered"), 2))[pool]).toContain("ts.add [rate_limit=10/m]");
    expect(await on("time_limit", pool)).toEqual({ ok: "time limits set successfully" });
  });

  it("hears of tasks once it has switched events on", async () => {
    const listener = redis.duplicate();
    await listener.connect();
    const heard: string[] = [];
    await listener.pSubscribe("/0.celeryev/task.*", (message) => {
      const events = bodyOf(message);
      heard.push(...[events].flat().map(({ type, uuid }: { type: string; uuid: string }) => `${uuid} ${type}`));
    });
    await press(pressed("enable_events"));
    const id = await waitFor("a task that is heard of", async () => {
      const result = await site.app.send("ts.square", [2]);
      await result.get({ timeoutMs: 20_000 });
      return heard.some((event) => event.startsWith(result.id)) && result.id;
    });
    const all = ["task-received", "task-started", "task-succeeded"].map((type) => `${id} ${type}`);
    await waitFor("all of its life", () => all.every((event) => heard.includes(event)));
    listener.destroy();
  });

  it("revokes what waits and terminates what runs", async () => {
    const idOf = ({ envelope }: Pressed): string => bodyOf(envelope).arguments.task_id;
    const terminate = pressed("revoke", (body) => body.arguments.terminate === 1);
    const running = await site.app.send("ts.wait", [], { taskId: idOf(terminate) });
    await waitFor("the run", async () => ((await press(pressed("active"), 2))[pool] as readonly unknown[]).length === 1);
    await press(terminate);
    await expect(running.get({ timeoutMs: 20_000 })).rejects.toMatchObject({ code: "LOVAGE_TASK_REVOKED" });
    const refuse = pressed("revoke", (body) => body.arguments.terminate === 0);
    await press(refuse);
    await waitFor("the revoke", async () => ((await press(pressed("revoked"), 2))[pool] as readonly string[]).includes(idOf(refuse)));
    const refused = await site.app.send("ts.add", [1, 2], { taskId: idOf(refuse) });
    await expect(refused.get({ timeoutMs: 20_000 })).rejects.toMatchObject({ code: "LOVAGE_TASK_REVOKED" });
  });

  it("shuts nodes down", async () => {
    await Promise.all([press(pressed("shutdown", at(pool))), press(pressed("shutdown", at(auto)))]);
    expect(await Promise.all(nodes.map(({ ended }) => ended))).toEqual([0, 0]);
  });
});
