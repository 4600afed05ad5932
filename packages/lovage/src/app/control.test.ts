import { afterEach, describe, expect, it } from "vitest";
import { decodeRequest } from "../control/pidbox.ts";
import type { App } from "./app.ts";
import { type AppControl, controlLink } from "./control.ts";
import { createApp } from "./create-app.ts";

const apps: App[] = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

/** What travels when a command is given. */
async function saidBy(command: (control: AppControl) => Promise<unknown>) {
  const app = createApp({ broker: "memory:", environment: false, folder: false });
  apps.push(app);
  const abort = new AbortController();
  const requests = (await controlLink(await app.store())).requests(abort.signal)[Symbol.asyncIterator]();
  const first = requests.next();
  await command(app.control);
  const { value } = await first;
  abort.abort();
  const { method, arguments: args, ...rest } = decodeRequest(value) ?? { method: "", arguments: {} };
  return { said: [method, args], ...rest };
}

const cast = { reply: false } as const;
const signals = { terminate: false, signal: "SIGTERM" };
const add = { queue: "q", exchange: null, exchange_type: "direct", routing_key: null };

describe("app.control", () => {
  it.each<[(control: AppControl) => Promise<unknown>, string, object]>([
    [(c) => c.revoke("a", cast), "revoke", { task_id: "a", ...signals }],
    [(c) => c.terminate(["a", "b"], { signal: "SIGKILL", ...cast }), "revoke", { task_id: ["a", "b"], terminate: true, signal: "SIGKILL" }],
    [(c) => c.revokeByStampedHeaders({ u: [1] }, cast), "revoke_by_stamped_headers", { headers: { u: [1] }, ...signals }],
    [(c) => c.rateLimit("t", "5/m", cast), "rate_limit", { task_name: "t", rate_limit: "5/m" }],
    [(c) => c.timeLimit("t", { soft: 5 }, cast), "time_limit", { task_name: "t", soft: 5, hard: null }],
    [(c) => c.addConsumer("q", cast), "add_consumer", add],
    [
      (c) => c.addConsumer("q", { exchange: "e", exchangeType: "topic", routingKey: "a.*", options: { durable: false }, ...cast }),
      "add_consumer",
      { queue: "q", exchange: "e", exchange_type: "topic", routing_key: "a.*", durable: false },
    ],
    [(c) => c.cancelConsumer("q", cast), "cancel_consumer", { queue: "q" }],
    [(c) => c.poolGrow(2, cast), "pool_grow", { n: 2 }],
    [(c) => c.poolShrink(undefined, cast), "pool_shrink", { n: 1 }],
    [(c) => c.poolRestart(cast), "pool_restart", { modules: null, reload: false, reloader: null }],
    [(c) => c.autoscale({ max: 5 }, cast), "autoscale", { max: 5, min: null }],
    [(c) => c.enableEvents(cast), "enable_events", {}],
    [(c) => c.disableEvents(cast), "disable_events", {}],
    [(c) => c.heartbeat(cast), "heartbeat", {}],
    [(c) => c.election("i", "task", { task: "t" }), "election", { id: "i", topic: "task", action: { task: "t" } }],
    [(c) => c.shutdown(), "shutdown", {}],
    [(c) => c.broadcast("mine", { x: 1 }, cast), "mine", { x: 1 }],
  ])("says it with Celery's names: case %#", async (command, method, args) => {
    expect(await saidBy(command)).toMatchObject({ said: [method, args], replyTo: null, destination: null, pattern: null });
  });

  it("speaks to those that are meant", async () => {
    expect(await saidBy((c) => c.shutdown({ destination: "a@x" }))).toMatchObject({ destination: ["a@x"] });
    expect(await saidBy((c) => c.shutdown({ pattern: "a*" }))).toMatchObject({ destination: null, pattern: "a*", matcher: "glob" });
    expect(await saidBy((c) => c.ping({ pattern: "a.", matcher: "pcre" }))).toMatchObject({ matcher: "pcre", replyTo: expect.any(String) });
  });

  it("waits for nobody where no node is", async () => {
    const app = createApp({ broker: "memory:", environment: false, folder: false });
    apps.push(app);
    expect(await app.control.inspect("stats", {}, { timeoutMs: 2 ** 30 })).toEqual({});
  });

  it("says that the store is away", async () => {
    const app = createApp({ broker: "redis://127.0.0.1:1/0", deadlineMs: 200, environment: false, folder: false, onFault: () => {} });
    apps.push(app);
    await expect(app.control.ping()).rejects.toMatchObject({ code: "LOVAGE_BROKER_UNAVAILABLE" });
  });
});
