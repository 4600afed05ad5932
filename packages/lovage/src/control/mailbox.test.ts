import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { LamportClock } from "../kernel/lamport-clock.ts";
import { silentLogger } from "../kernel/logger.ts";
import { newTaskMessage } from "../message/encode.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { ask, tell } from "./ask.ts";
import { busLink, type ControlBus } from "./control-link.ts";
import { Mailbox } from "./mailbox.ts";
import type { NodeView, Refusal } from "./node-view.ts";

/** One process's bus: what is published reaches all that have called `next()`. */
function localBus(): ControlBus {
  const listeners = new Set<(channel: string, data: Uint8Array) => void>();
  return {
    async publish(channel, data) {
      for (const listener of listeners) listener(channel, typeof data === "string" ? Buffer.from(data) : data);
    },
    async *subscribe(channels, signal) {
      const queue: Uint8Array[] = [];
      let wake = () => {};
      const listener = (channel: string, data: Uint8Array) => {
        if (channels.includes(channel)) queue.push(data);
        wake();
      };
      listeners.add(listener);
      signal.addEventListener("abort", () => wake(), { once: true });
      while (!signal.aborted) {
        for (const data of queue.splice(0)) yield { data };
        if (queue.length > 0 || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      listeners.delete(listener);
    },
  };
}

const message = newTaskMessage({ id: "id-1", task: "t.add", args: [2, 3], kwargs: { z: 1 }, routingKey: "celery" });

const registered = new Map(
  ["t.slow", "celery.ping", "t.add"].map((task) => [task, { name: task, rate_limit: task === "t.slow" ? "10/m" : null }]),
);
const fixedPool: NodeView["pool"] = { scales: false, grow: async () => undefined, autoscale: async () => undefined, restart: () => false };

function node(name: string, more: Partial<NodeView> = {}): NodeView {
  return {
    nodeName: name,
    facts: { stats: async () => ({}), settings: () => ({}), report: async () => "", memory: () => 1 },
    work: {
      active: async () => [{ message, startedAt: 5000, ackedEarly: false, workerPid: 42 }],
      reserved: async () => [],
      scheduled: async () => [],
    },
    tasks: { registered: () => registered, limitRate: async () => false, limitTime: async () => false },
    pool: fixedPool,
    queues: { consumed: () => [], add: async () => undefined, cancel: () => undefined },
    refusals: { revoke: async () => undefined, ids: async () => [] },
    events: { enabled: false, enable: async () => undefined, disable: async () => undefined, heartbeat: async () => undefined },
    custom: { has: () => false, run: async () => null },
    shutdown: () => undefined,
    ...more,
  };
}

const mailboxes: Mailbox[] = [];
afterEach(async () => {
  await Promise.all(mailboxes.splice(0).map((mailbox) => mailbox.stop()));
});

async function fleet(...nodes: readonly NodeView[]) {
  const bus = localBus();
  const link = busLink(bus);
  for (const view of nodes) {
    const mailbox = new Mailbox({ link, node: view, clock: manualClock(), lamport: new LamportClock(), log: silentLogger });
    mailboxes.push(mailbox);
    await mailbox.start();
  }
  return { bus, link };
}

describe("the mailbox", () => {
  it("answers a ping of all, of some, and of nobody", async () => {
    const { link } = await fleet(node("a@x"), node("b@x"));
    expect(await ask(link, { method: "ping", limit: 2 })).toEqual({ "a@x": { ok: "pong" }, "b@x": { ok: "pong" } });
    expect(await ask(link, { method: "ping", destination: ["b@x"] })).toEqual({ "b@x": { ok: "pong" } });
    expect(await ask(link, { method: "ping", destination: ["c@x"], timeoutMs: 30 })).toEqual({});
  });

  it("answers those whose pattern fits its name, and hears those who want no answer", async () => {
    const grown: unknown[] = [];
    const { link } = await fleet(node("a@x", { pool: { ...fixedPool, grow: async (by) => void grown.push(by) } }), node("b@x"));
    const some = (pattern: string, matcher?: "glob" | "pcre") =>
      ask(link, { method: "ping", pattern, ...(matcher && { matcher }), limit: 1, timeoutMs: 30 }).then(Object.keys);
    expect(await some("a*")).toEqual(["a@x"]);
    expect(await some("[ab]@y")).toEqual([]);
    expect(await some("b@.$", "pcre")).toEqual(["b@x"]);
    await tell(link, { method: "pool_grow", arguments: { n: 3 }, destination: ["a@x"] });
    expect(await ask(link, { method: "ping", destination: ["a@x"] })).toEqual({ "a@x": { ok: "pong" } });
    expect(grown).toEqual([3]);
  });

  it("is waited for no longer than until all that heard the question have answered", async () => {
    const { bus } = await fleet(node("a@x"), node("b@x"));
    const heard: string[] = [];
    const onReply = (name: string) => heard.push(name);
    // Would outlast the test.
    const question = { method: "ping", timeoutMs: 2 ** 30, onReply };
    expect(
      Object.keys(
        await ask(
          busLink(bus, async () => 2),
          question,
        ),
      ).sort(),
    ).toEqual(["a@x", "b@x"]);
    expect(heard.sort()).toEqual(["a@x", "b@x"]);
    expect(
      await ask(
        busLink(localBus(), async () => 0),
        question,
      ),
    ).toEqual({});
  });

  it("counts two of one name as two answers", async () => {
    const { bus } = await fleet(node("a@x"), node("a@x"));
    expect(
      await ask(
        busLink(bus, async () => 2),
        { method: "ping", timeoutMs: 2 ** 30 },
      ),
    ).toEqual({ "a@x": { ok: "pong" } });
  });

  it("has all of the time to answer, however long its caller took to connect", async () => {
    const { link } = await fleet(node("a@x"));
    const slow = { ...link, replies: (oid: string, signal: AbortSignal) => sleep(600).then(() => link.replies(oid, signal)) };
    expect(await ask(slow, { method: "ping", limit: 1, timeoutMs: 500 })).toEqual({ "a@x": { ok: "pong" } });
  });

  it("tells what is active in Celery's form", async () => {
    const { link } = await fleet(node("a@x"));
    const info = {
      id: "id-1",
      name: "t.add",
      args: [2, 3],
      kwargs: { z: 1 },
      type: "t.add",
      hostname: "a@x",
      time_start: 5,
      acknowledged: false,
      delivery_info: { exchange: "", routing_key: "celery", priority: 0, redelivered: false },
      worker_pid: 42,
    };
    expect(await ask(link, { method: "active", limit: 1 })).toEqual({ "a@x": [info] });
    const safe = await ask(link, { method: "dump_active", arguments: { safe: true }, limit: 1 });
    expect(safe["a@x"]).toEqual([{ ...info, args: message.argsrepr, kwargs: message.kwargsrepr }]);
  });

  it("tells what is registered, sorted, without Celery's own unless asked", async () => {
    const { link } = await fleet(node("a@x"));
    expect(await ask(link, { method: "registered", limit: 1 })).toEqual({ "a@x": ["t.add", "t.slow [rate_limit=10/m]"] });
    const all = await ask(link, { method: "dump_tasks", arguments: { builtins: true, taskinfoitems: [] }, limit: 1 });
    expect(all["a@x"]).toEqual(["celery.ping", "t.add", "t.slow [rate_limit=10/m]"]);
    const named = await ask(link, { method: "registered", arguments: { taskinfoitems: ["name", "rate_limit", "nosuch"] }, limit: 1 });
    expect(named["a@x"]).toEqual(["t.add [name=t.add]", "t.slow [name=t.slow rate_limit=10/m]"]);
  });

  it("takes revokes by id and by stamp, in Celery's words", async () => {
    const heard: Refusal[] = [];
    const { link } = await fleet(
      node("a@x", { refusals: { revoke: async (refusals) => void heard.push(...refusals), ids: async () => ["i"] } }),
    );
    const said = async (method: string, args: Record<string, unknown>) =>
      (await ask(link, { method, arguments: args, limit: 1 }))["a@x"] as unknown;
    expect(await said("revoke", { task_id: "i", terminate: false })).toEqual({ ok: "tasks {'i'} flagged as revoked" });
    expect(await said("revoke", { task_id: ["id-1", "j"], terminate: true, signal: "SIGKILL" })).toEqual({ ok: "terminate: id-1" });
    expect(await said("terminate", { task_id: "j", signal: "SIGKILL" })).toEqual({ ok: "terminate: tasks unknown" });
    expect(await said("revoke_by_stamped_headers", { headers: { user: [1, "1"] } })).toEqual({
      ok: "headers {'user': [1, '1']} flagged as revoked, but not terminated",
    });
    expect(await said("revoked", {})).toEqual(["i"]);
    const one = { by: "id", terminate: false, signal: undefined };
    expect(heard).toEqual([
      { ...one, value: "i" },
      ...["id-1", "j", "j"].map((value) => ({ ...one, value, terminate: true, signal: "SIGKILL" })),
      ...[1, "1"].map((value) => ({ ...one, by: "stamp", value: { name: "user", value } })),
    ]);
  });

  it("grows and shrinks, or changes its range where it scales by itself, in Celery's words", async () => {
    const grown: unknown[] = [];
    const plain = node("a@x", { pool: { ...fixedPool, grow: async (by) => void grown.push(by) } });
    const scaling = node("b@x", {
      pool: {
        ...fixedPool,
        scales: true,
        autoscale: async (range) => {
          grown.push(range);
          return { max: 3, min: 1, ...range };
        },
      },
    });
    const { link } = await fleet(plain, scaling);
    expect(await ask(link, { method: "pool_grow", arguments: { n: -3 }, destination: ["a@x"] })).toMatchObject({
      "a@x": { error: expect.stringContaining("n has to be 0 or more, not -3") },
    });
    expect(await ask(link, { method: "pool_grow", arguments: { n: 2 }, limit: 2 })).toEqual({
      "a@x": { ok: "pool will grow" },
      "b@x": { error: "pool_grow is not supported with autoscale. Adjust autoscale range instead." },
    });
    expect(await ask(link, { method: "pool_shrink", destination: ["a@x"], limit: 1 })).toEqual({ "a@x": { ok: "pool will shrink" } });
    expect(await ask(link, { method: "autoscale", arguments: { max: 5, min: null }, limit: 2 })).toEqual({
      "a@x": { error: "ValueError('Autoscale not enabled')" },
      "b@x": { ok: "autoscale now max=5 min=1" },
    });
    expect(grown).toEqual([2, -1, { max: 5 }]);
  });

  it("answers errors for what it does not know and for what fails", async () => {
    const broken = node("a@x", { facts: { ...node("").facts, stats: () => Promise.reject(new Error("store away")) } });
    const { link } = await fleet(broken);
    expect(await ask(link, { method: "nosuch", limit: 1 })).toEqual({ "a@x": { error: "KeyError('nosuch')" } });
    expect(await ask(link, { method: "stats", limit: 1 })).toEqual({ "a@x": { error: "Error('store away')" } });
  });

  it("forgets garbage and goes on", async () => {
    const { bus, link } = await fleet(node("a@x"));
    for (const garbage of ["", "{}", "\u0000\u0001", '{"body":"e30="}']) await bus.publish("celery.pidbox", garbage);
    expect(await ask(link, { method: "ping", limit: 1 })).toEqual({ "a@x": { ok: "pong" } });
  });

  it("introduces itself to a Python worker that starts", async () => {
    const { link } = await fleet(node("a@x"));
    const hello = await ask(link, { method: "hello", arguments: { from_node: "py@x", revoked: {} }, limit: 1 });
    expect(hello["a@x"]).toEqual({ revoked: {}, clock: expect.any(Number) });
    const other = await fleet(node("b@x", { refusals: { ...node("").refusals, ids: async () => ["i"] } }));
    const told = await ask(other.link, { method: "hello", arguments: { from_node: "py@x", revoked: {} }, limit: 1 });
    expect(told["b@x"]).toEqual({ revoked: { i: [expect.any(Number), "i"] }, clock: expect.any(Number) });
  });
});
