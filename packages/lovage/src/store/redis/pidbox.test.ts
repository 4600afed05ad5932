import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../../control/ask.ts";
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
    await redis.flushDb();
  }
}

describe.each(["", "fleet:"])("the pidbox with global_keyprefix %j", (prefix) => {
  it("hears what Python broadcasts on the database's channel, and replies through the caller's list", async () => {
    await withStore(prefix, async (store) => {
      const abort = new AbortController();
      const requests = store.pidbox?.requests(abort.signal)[Symbol.asyncIterator]();
      const first = requests?.next();
      // PUBLISH says how many heard it: until then nobody listens.
      while ((await redis.publish(`${prefix}/2.celery.pidbox`, "a request")) === 0);
      expect(Buffer.from((await first)?.value as Uint8Array).toString()).toBe("a request");
      // As kombu binds (celery-wire.md §10.1).
      await redis.sAdd(`${prefix}_kombu.binding.reply.celery.pidbox`, "oid\u0006\u0016\u0006\u0016oid.reply.celery.pidbox");
      await store.pidbox?.reply("oid", "an answer");
      expect(await redis.rPop(`${prefix}oid.reply.celery.pidbox`)).toBe("an answer");
      abort.abort();
    });
  });

  it("drops a reply that nobody waits for", async () => {
    await withStore(prefix, async (store) => {
      await store.pidbox?.reply("gone", "an answer");
      expect(await redis.keys("*gone*")).toEqual([]);
    });
  });

  it("leaves no key behind when a caller has asked", async () => {
    await withStore(prefix, async (store) => {
      const { pidbox } = store;
      if (!pidbox) throw new Error("no pidbox");
      const deaf = ask(pidbox, { method: "ping", timeoutMs: 2 ** 30 }); // as nobody hears it, nobody is waited for
      expect(await deaf).toEqual({});
      expect(await redis.keys("*pidbox*")).toEqual([]);
      const failing = { ...pidbox, replies: pidbox.replies.bind(pidbox), broadcast: () => Promise.reject(new Error("away")) };
      await expect(ask({ ...failing, requests: pidbox.requests, reply: pidbox.reply }, { method: "ping" })).rejects.toThrow("away");
      expect(await redis.keys("*pidbox*")).toEqual([]);
    });
  });
});
