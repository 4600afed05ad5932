import type { LookupFunction } from "node:net";
import { afterEach, test as anyTest, beforeEach, expect } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { TcpProxy } from "../../testing/chaos/tcp-proxy.ts";
import { message } from "../../testing/conformance/harness.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { openConnection } from "./connection.ts";
import { open } from "./index.ts";
import { parseRedisUrl } from "./url.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

let servers: readonly RedisServer[];
let proxies: readonly TcpProxy[];
/** Where the name leads. */
let address = "127.0.0.1";
let store: Store;
const heard: string[] = [];
let closing: AbortController;

beforeEach(async () => {
  address = "127.0.0.1";
  closing = new AbortController();
  servers = [await startRedis(), await startRedis()];
  const [old, next] = servers.map(({ port }) => ({ port }));
  if (old === undefined || next === undefined) throw new Error("two were started");
  const first = await TcpProxy.start(old);
  proxies = [first, await TcpProxy.start(next, { host: "127.0.0.2", port: first.port })];
  const lookup = ((_name, { all }, found) => (all ? found(null, [{ address, family: 4 }]) : found(null, address, 4))) as LookupFunction;
  const options = { ...defaultStoreOptions, clock: systemClock, onFault: () => undefined, lookup };
  store = await open(`redis://redis.test:${first.port}/0`, options);
  void (async () => {
    for await (const { data } of store.bus.subscribe(["news"], closing.signal)) heard.push(String(data));
  })();
  await hears("before");
});
afterEach(async () => {
  closing.abort();
  await store.close();
  for (const proxy of proxies) await proxy.close();
  for (const server of servers) await server.stop();
});

async function command(server: RedisServer | undefined, ...words: string[]): Promise<string> {
  const endpoint = parseRedisUrl(server?.url ?? "");
  const none = { tracking: false, prepare: undefined, onPush: () => undefined, onLost: () => undefined };
  const connection = await openConnection({ endpoint, role: "test", ...none });
  const reply = await connection.call(words);
  connection.destroy(new Error("done"));
  return String(reply);
}

async function hears(label: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await store.bus.publish("news", label).catch(() => undefined);
        return heard;
      },
      { timeout: 8000 },
    )
    .toContain(label);
}

async function worksOnTheNext(label: string): Promise<void> {
  await store.broker.publish({ messages: [message(label, { queue: "q" })] }, { deadlineMs: 5000 });
  expect(await command(servers[1], "LLEN", "q")).toBe("1");
  await hears(label);
}

test("a name that leads elsewhere, and the old address is gone", async () => {
  address = "127.0.0.2";
  proxies[0]?.refuse();
  proxies[0]?.cut();
  await worksOnTheNext("moved");
});

test("a name that leads elsewhere, and the old server is a replica now: those who only listen follow", async () => {
  address = "127.0.0.2";
  await command(servers[0], "REPLICAOF", "127.0.0.1", "1");
  await worksOnTheNext("demoted");
});
