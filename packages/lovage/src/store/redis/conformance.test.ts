import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { conformance } from "../../testing/conformance/index.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions } from "../store.ts";
import { open } from "./index.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const onFault = (fault: unknown) => {
  throw fault;
};

describe.skipIf(process.env.LOVAGE_SKIP_REDIS)("redis", () => {
  // One server for all; a prefix of its own is a keyspace that nobody else uses.
  conformance({ describe, it }, "redis", async () => {
    const prefix = `${randomUUID()}:`;
    return {
      store: (options) => {
        const own = { keyPrefix: prefix + (options?.keyPrefix ?? ""), resultKeyPrefix: prefix };
        return open(server.url, { ...defaultStoreOptions, clock: systemClock, onFault, ...options, ...own });
      },
      close: async () => {},
    };
  });
});
