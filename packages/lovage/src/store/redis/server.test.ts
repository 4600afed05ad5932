import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { afterAll, test as anyTest, beforeAll, expect } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { freePort } from "../../testing/free-port.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store, type StoreOptions } from "../store.ts";
import { open } from "./index.ts";
import { infoOf } from "./reply.ts";
import { isOlder, productOf, storeFormat } from "./server.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

let server: RedisServer;
const stores: Store[] = [];
const faults: unknown[] = [];
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await server.stop();
});

async function connect(url = server.url, options: Partial<StoreOptions> = {}): Promise<Store> {
  const onFault = (fault: unknown) => faults.push(fault);
  const store = await open(url, { ...defaultStoreOptions, clock: systemClock, onFault, ...options });
  stores.push(store);
  return store;
}

async function command(...words: string[]): Promise<unknown> {
  const client = await createClient({ url: server.url }).connect();
  try {
    return await client.sendCommand(words);
  } finally {
    client.destroy();
  }
}

const message = { taskId: "t", queue: "q", priority: 0, bytes: "{}" };

anyTest("tells versions apart", () => {
  expect(isOlder("6.2.14", "7.0.0")).toBe(true);
  expect(isOlder("7.0.0", "7.0.0")).toBe(false);
  expect(isOlder("7.0.15", "7.0.0")).toBe(false);
  expect(isOlder("10.1", "7.2.0")).toBe(false);
  expect(isOlder("7.1.9", "7.2.0")).toBe(true);
  // Valkey calls itself Redis 7.2.4 as well.
  expect(productOf({ redis_version: "7.2.4", valkey_version: "8.0.1" })).toEqual({ product: "Valkey", version: "8.0.1", least: "7.2.0" });
  expect(productOf({ redis_version: "6.2.14" })).toEqual({ product: "Redis", version: "6.2.14", least: "7.0.0" });
});

test("reports server, durability and a policy that drops queues", async () => {
  const store = await connect();
  const report = await store.ping(5000);
  expect(report.server).toMatch(/^(Redis|Valkey) \d+\.\d+\.\d+$/);
  expect(report.durability).toMatch(/^none/);
  expect(report.findings).toMatchObject([
    { what: "persistence", level: "warning", message: expect.stringContaining("restart of the server loses") },
  ]);
  await command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
  const dropping = { what: "eviction", level: "fatal", message: expect.stringContaining("allkeys-lru: a full server would drop queues") };
  expect((await store.ping(5000)).findings).toContainEqual(dropping);
  await command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl");
  const shedding = { what: "eviction", level: "warning", message: expect.stringContaining("volatile-ttl: a full server drops results") };
  expect((await store.ping(5000)).findings).toContainEqual(shedding);
  await command(
    "CONFIG",
    "SET",
    "maxmemory",
    String(Number(/used_memory:(\d+)/.exec(String(await command("INFO", "memory")))?.[1]) + 50_000),
  );
  expect((await store.ping(5000)).findings).toContainEqual(expect.objectContaining({ what: "memory", level: "warning" }));
  await command("CONFIG", "SET", "maxmemory", "0");
  await command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  await command("CONFIG", "SET", "appendonly", "yes");
  const durable = await store.ping(5000);
  expect(durable.durability).toMatch(/append-only file, appendfsync everysec/);
  expect(durable.findings).toEqual([]);
  await command("CONFIG", "SET", "appendonly", "no");
  await command("CONFIG", "SET", "save", "60 1");
  expect((await store.ping(5000)).durability).toMatch(/^snapshots/);
  await command("CONFIG", "SET", "save", "");
});

test("slows down who sends while memory is nearly used up, says so once, and lets go when there is room again", async () => {
  const own = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
  const client = await createClient({ url: own.url }).connect();
  const faults: unknown[] = [];
  const store = await connect(own.url, { onFault: (fault) => faults.push(fault) });
  const sendMs = async () => {
    const from = performance.now();
    await store.broker.publish({ messages: [message] });
    return performance.now() - from;
  };
  const until = async (isSo: (ms: number) => boolean) => {
    for (const giveUpAt = performance.now() + 20_000; !isSo(await sendMs()); ) expect(performance.now()).toBeLessThan(giveUpAt);
  };
  try {
    await client.set("ballast", "x".repeat(40 * 2 ** 20));
    const { used_memory } = infoOf(await client.info("memory"));
    await client.configSet("maxmemory", String(Math.round(Number(used_memory) / 0.96)));
    await until((ms) => ms > 90);
    const nearlyFull = expect.objectContaining({ code: "LOVAGE_BROKER_NEARLY_FULL" });
    expect(faults).toEqual([nearlyFull]);
    await client.del("ballast");
    await until((ms) => ms < 40);
    expect(faults).toEqual([nearlyFull]);
  } finally {
    client.destroy();
    await store.close();
    await own.stop();
  }
});

test.each(["1", "7"])("refuses keys of format %s, and says which", async (format) => {
  const namespace = `other${format}`;
  await command("SET", `lovage:${namespace}:format`, format);
  const store = await connect(server.url, { namespace });
  const said = expect.stringMatching(new RegExp(`format ${format} .* needs ${storeFormat}\\. Drain it`));
  const refusal = expect.objectContaining({ code: "LOVAGE_STORE_FORMAT", message: said });
  await expect(store.ping(2000)).rejects.toEqual(refusal);
  await expect(store.broker.publish({ messages: [message] })).rejects.toEqual(refusal);
  expect(await command("EXISTS", "q")).toBe(0);
});

test("a wrong password ends at once, named without itself", async () => {
  const store = await connect(server.url.replace("//", "//nobody:secret@"));
  const start = performance.now();
  const error = await store.ping(5000).catch((reason) => reason);
  expect(error).toMatchObject({ code: "LOVAGE_STORE_ACCESS" });
  expect(String(error)).not.toContain("secret");
  expect(String(error)).not.toContain("..");
  expect(performance.now() - start).toBeLessThan(2000);
});

test("a database that the server does not have ends at once, by its number", async () => {
  for (const database of ["16", "99999999999999999999"]) {
    const store = await connect(`${server.url}/${database}`);
    const error = await store.ping(5000).catch((reason) => reason);
    expect(error).toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_URL" });
    expect(error.message).toContain(`/${database} has no database of that number`);
  }
});

test("a certificate that nobody vouches for ends at once, and says what to do", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lovage-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
  ]);
  const port = await freePort();
  const secure = await startRedis({
    args: [
      "--tls-port",
      String(port),
      "--tls-cert-file",
      cert,
      "--tls-key-file",
      key,
      "--tls-ca-cert-file",
      cert,
      "--tls-auth-clients",
      "no",
    ],
  });
  try {
    const url = `rediss://127.0.0.1:${port}/0`;
    const error = await (await connect(url)).ping(5000).catch((reason) => reason);
    expect(error).toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_TLS" });
    expect(error.message).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/);
    for (const query of ["ssl_cert_reqs=none", `ssl_ca_certs=${cert}`])
      expect((await (await connect(`${url}?${query}`)).ping(5000)).server).toMatch(/\d/);
    await Promise.all(stores.splice(-3).map((one) => one.close()));
  } finally {
    await secure.stop();
    await rm(folder, { recursive: true, force: true });
  }
});

test("a full server refuses a publish, and lets workers drain it", async () => {
  const store = await connect();
  await store.broker.publish({ messages: [message] });
  await command("CONFIG", "SET", "maxmemory", "1");
  await expect(store.broker.publish({ messages: [message, message] })).rejects.toMatchObject({
    code: "LOVAGE_BROKER_FULL",
    details: { maybeAccepted: false, taskIds: ["t", "t"] },
  });
  const node = { id: "n", name: "n", host: "h", bootId: "b", pid: 1, processStart: null, pool: "solo", slots: 1 };
  await store.leases.announce({ ...node, queues: [], tasks: [], startedAt: 0, runners: [] });
  await store.leases.open("n", "e");
  const { deliveries } = await store.broker.reserve({ epoch: "e", number: 0, queues: ["q"], count: 5 });
  const [delivery] = deliveries.map(({ id }) => id);
  if (!delivery) expect.unreachable();
  const results = [{ taskId: "t", state: "SUCCESS", document: '{"status": "SUCCESS"}', expiresMs: 1000 }];
  const commit = { delivery, settle: { kind: "ack" }, results, publish: [message], chords: [], chordParts: [] } as const;
  expect((await store.broker.commit("e", [commit])).replies).toEqual([{ kind: "applied" }]);
  await command("CONFIG", "SET", "maxmemory", "0");
  expect(await store.broker.queues.depth(["q"])).toEqual([1]);
  await store.broker.queues.purge(["q"]);
});

test("takes a unix socket", async () => {
  const [, folder] = Object.entries((await command("CONFIG", "GET", "dir")) as Record<string, string>)[0] ?? [];
  const other = await startRedis({ args: ["--unixsocket", `${folder}/s.sock`] });
  try {
    const store = await connect(`redis+socket://${folder}/s.sock?virtual_host=1`);
    await store.broker.publish({ messages: [message] });
    expect(await store.broker.queues.depth(["q"])).toEqual([1]);
    expect((await connect(`${other.url}/1`).then((same) => same.broker.queues.depth(["q"]))).at(0)).toBe(1);
    await Promise.all(stores.splice(-2).map((one) => one.close()));
  } finally {
    await other.stop();
  }
});

test("where tracking is refused the bell still rings, and says so once", async () => {
  await command("ACL", "SETUSER", "deaf", "on", ">p", "~*", "&*", "+@all", "-client|tracking");
  const store = await connect(server.url.replace("//", "//deaf:p@"));
  const controller = new AbortController();
  const bell = store.leases.wake(["deaf"], controller.signal)[Symbol.asyncIterator]();
  await bell.next();
  const rung = bell.next();
  await expect.poll(() => faults.filter((fault) => (fault as { code?: string }).code === "LOVAGE_TRACKING_REFUSED").length).toBe(1);
  await command("LPUSH", "deaf", "{}");
  expect(await rung).toEqual({ done: false, value: undefined });
  controller.abort();
  await bell.return?.();
});

test("hears what a Python producer pushes, within 50 ms, and asks next to nothing meanwhile", async () => {
  const store = await connect();
  const controller = new AbortController();
  const bell = store.leases.wake(["python", "other"], controller.signal)[Symbol.asyncIterator]();
  await bell.next();
  const python = await createClient({ url: server.url }).connect();
  const delays: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    const rung = bell.next();
    // The look has arrived once the server has it in its tracking table.
    await expect.poll(async () => String(await python.sendCommand(["INFO", "stats"]))).toMatch(/tracking_total_keys:[1-9]/);
    await python.configResetStat();
    const start = performance.now();
    await python.lPush("python\u0006\u00166", "{}");
    await rung;
    delays.push(performance.now() - start);
    await python.del("python\u0006\u00166");
    expect(String(await python.sendCommand(["INFO", "commandstats"]))).not.toMatch(/cmdstat_(exists|evalsha)/);
  }
  expect(Math.min(...delays)).toBeLessThan(50);
  python.destroy();
  controller.abort();
  await bell.return?.();
});
