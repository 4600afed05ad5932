import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { open } from "./index.ts";

let server: RedisServer;
let redis: ReturnType<typeof createClient>;
beforeAll(async () => {
  server = await startRedis();
  redis = createClient({ url: `${server.url}/2` });
  await redis.connect();
});
afterAll(async () => {
  redis.destroy();
  await server.stop();
});

async function withStore(keyPrefix: string, work: (store: Store) => Promise<void>): Promise<void> {
  const store = await open(`${server.url}/2`, { ...defaultStoreOptions, keyPrefix, clock: systemClock, onFault: () => {} });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

describe.each(["", "fleet:", "g[l]*b?:"])("events with global_keyprefix %j", (prefix) => {
  it("travel on Celery's channels of the database, both ways", async () => {
    await withStore(prefix, async (store) => {
      const abort = new AbortController();
      const heard = store.events?.receive(abort.signal)[Symbol.asyncIterator]();
      const first = heard?.next();
      while ((await redis.publish(`${prefix}/2.celeryev/task.multi`, "from Python")) === 0);
      expect(Buffer.from((await first)?.value as Uint8Array).toString()).toBe("from Python");
      abort.abort();

      const ear = await redis.duplicate().connect();
      const said: unknown[] = [];
      await ear.pSubscribe(`${prefix.replace(/[[\]*?]/g, "\\$&")}/2.celeryev/*`, (message, channel) => said.push([channel, message]));
      expect(await store.events?.publish({ routingKey: "worker.online", envelope: "from us" })).toBeGreaterThan(0);
      await ear.ping(); // answered after what was published before
      expect(said).toEqual([[`${prefix}/2.celeryev/worker.online`, "from us"]]);
      ear.destroy();
    });
  });

  it("of other databases and prefixes are not heard", async () => {
    await withStore(prefix, async (store) => {
      const abort = new AbortController();
      let stands = (): void => {};
      const standing = new Promise<void>((resolve) => {
        stands = resolve;
      });
      const heard = store.events?.receive(abort.signal, { onListening: stands })[Symbol.asyncIterator]();
      const first = heard?.next();
      await standing;
      expect(await redis.publish(`${prefix}/1.celeryev/task.multi`, "no")).toBe(0);
      expect(await redis.publish(`${prefix}/2.celeryevx`, "no")).toBe(0);
      expect(await redis.publish(`other:${prefix}/2.celeryev/task.multi`, "no")).toBe(0);
      abort.abort();
      expect((await first)?.done).toBe(true);
    });
  });
});

it("says each time that it listens again, after a lost connection", async () => {
  await withStore("", async (store) => {
    const abort = new AbortController();
    let times = 0;
    let wake = (): void => {};
    const listenedAgain = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const onListening = () => {
      times += 1;
      if (times === 1) void redis.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
      else wake();
    };
    const heard = store.events?.receive(abort.signal, { onListening })[Symbol.asyncIterator]();
    const first = heard?.next();
    await listenedAgain;
    expect(await store.events?.publish({ routingKey: "task.multi", envelope: "back" })).toBe(1);
    expect(Buffer.from((await first)?.value as Uint8Array).toString()).toBe("back");
    abort.abort();
  });
});
