import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, test as anyTest, beforeAll, expect, onTestFinished } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { message } from "../../testing/conformance/harness.ts";
import { freePort } from "../../testing/free-port.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store, type StoreOptions } from "../store.ts";
import { openConnection } from "./connection.ts";
import { open } from "./index.ts";
import { parseRedisUrl } from "./url.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

let first: RedisServer;
let second: RedisServer;
let sentinels: readonly RedisServer[] = [];
let places = "";
let store: Store;
const closing = new AbortController();
let rung = 0;
const heard: string[] = [];

beforeAll(async () => {
  if (process.env.LOVAGE_SKIP_REDIS) return;
  first = await startRedis();
  second = await startRedis({ args: ["--replicaof", "127.0.0.1", String(first.port), "--repl-diskless-sync-delay", "0"] });
  const lines = [
    `sentinel monitor main 127.0.0.1 ${first.port} 2`,
    ...["sentinel down-after-milliseconds main 500", "sentinel failover-timeout main 2000"],
  ];
  sentinels = await Promise.all([1, 2, 3].map(() => startRedis({ sentinel: lines })));
  places = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
  for (const { url } of sentinels)
    for (let known = ""; !/num-slaves,1,.*num-other-sentinels,2/.test(known); await sleep(50))
      known = String(await ask(url, "SENTINEL", "MASTER", "main"));
  store = await connect(`sentinel://${places}/main/0`);
  void listen();
}, 60_000);
afterAll(async () => {
  closing.abort();
  await store?.close();
  await Promise.all([first, second, ...sentinels].map((server) => server?.stop()));
});

/** Two roles that only listen: nothing of their own shows them that their server is no master any more. */
async function listen(): Promise<void> {
  void (async () => {
    for await (const { data } of store.bus.subscribe(["news"], closing.signal)) heard.push(String(data));
  })();
  for await (const _ of store.leases.wake(["bell"], closing.signal)) rung += 1;
}

const connect = (url: string, more: Partial<StoreOptions> = {}) =>
  open(url, { ...defaultStoreOptions, clock: systemClock, onFault: () => undefined, ...more });

async function ask(url: string, ...words: string[]): Promise<unknown> {
  const none = { tracking: false, prepare: undefined, onPush: () => undefined, onLost: () => undefined };
  const connection = await openConnection({ endpoint: parseRedisUrl(url), role: "test", ...none });
  try {
    return await connection.call(words);
  } finally {
    connection.destroy(new Error("done"));
  }
}

const role = async ({ url }: RedisServer) => String(((await ask(url, "ROLE").catch(() => ["gone"])) as unknown[])[0]);

/** Publishing, the bell and the bus, all on the master of now. What the old one took meanwhile is lost with it: Redis replicates later. */
async function worksOn(server: RedisServer, label: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await store.broker.publish({ messages: [message(label, { queue: "q" })] }).catch(() => undefined);
        return String(await ask(server.url, "LRANGE", "q", "0", "-1"));
      },
      { timeout: 15_000 },
    )
    .toContain(label);
  const before = rung;
  await expect
    .poll(
      async () => {
        await ask(server.url, "LPUSH", "bell", "x");
        await ask(server.url, "DEL", "bell");
        return rung;
      },
      { timeout: 8000 },
    )
    .toBeGreaterThan(before);
  await expect
    .poll(
      async () => {
        await store.bus.publish("news", label);
        return heard;
      },
      { timeout: 8000 },
    )
    .toContain(label);
}

test("finds the master, and follows it through SENTINEL FAILOVER and a kill -9", async () => {
  await worksOn(first, "at the start");
  await ask(sentinels[0]?.url ?? "", "SENTINEL", "FAILOVER", "main");
  await expect.poll(() => role(second), { timeout: 15_000 }).toBe("master");
  await worksOn(second, "after a failover");
  // The old master is its replica by now, or there is nobody to take over.
  await expect.poll(() => role(first), { timeout: 20_000 }).toBe("slave");
  await expect.poll(() => ask(second.url, "INFO", "replication").then(String), { timeout: 20_000 }).toMatch(/slave0:.*state=online/);
  process.kill(second.pid, "SIGKILL");
  await expect.poll(() => role(first), { timeout: 20_000 }).toBe("master");
  await worksOn(first, "after a kill");
}, 90_000);

test("one sentinel that is down, or frozen, is passed over", async () => {
  const [one, two, three] = sentinels;
  if (one === undefined || two === undefined || three === undefined) throw new Error("three were started");
  one.pause();
  onTestFinished(() => one.resume());
  const other = await connect(`sentinel://127.0.0.1:1,127.0.0.1:${one.port},127.0.0.1:${two.port}/main/0`);
  onTestFinished(() => other.close());
  expect((await other.ping(5000)).server).toMatch(/\d/);
}, 20_000);

test("a service that nobody knows, and Celery's spelling of it", async () => {
  const [{ port } = { port: 0 }] = sentinels;
  const url = `sentinel://127.0.0.1:${port}/0;sentinel://127.0.0.1:1`;
  const wrong = await connect(url, { sentinel: { service: "mian" } });
  onTestFinished(() => wrong.close());
  await expect(wrong.ping(5000)).rejects.toMatchObject({
    name: "ConfigError",
    code: "LOVAGE_SENTINEL_SERVICE",
    message: expect.stringContaining('know no master "mian": they know "main"'),
  });
  const right = await connect(url, { sentinel: { service: "main" } });
  onTestFinished(() => right.close());
  expect((await right.ping(5000)).server).toMatch(/\d/);
});

test("no sentinel to be reached: the error names each", async () => {
  const nobody = await connect("sentinel://127.0.0.1:1,127.0.0.1:2/main/0");
  onTestFinished(() => nobody.close());
  await expect(nobody.ping(500)).rejects.toMatchObject({
    code: "LOVAGE_BROKER_UNAVAILABLE",
    message: expect.stringMatching(/no sentinel answered: 127.0.0.1:1 \(.*ECONNREFUSED.*\), 127.0.0.1:2 \(/),
  });
});

test("passwords and TLS, each of the master's and of the sentinel's own", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lovage-sentinel-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
    ],
    { stdio: "ignore" },
  );
  const tls = [
    "--tls-cert-file",
    cert,
    "--tls-key-file",
    key,
    "--tls-ca-cert-file",
    cert,
    "--tls-auth-clients",
    "no",
    "--tls-replication",
    "yes",
  ];
  const [masterPort, sentinelPort] = [await freePort(), await freePort()];
  const master = await startRedis({ args: ["--tls-port", String(masterPort), ...tls] });
  onTestFinished(() => master.stop());
  await ask(master.url, "CONFIG", "SET", "requirepass", "of the master");
  const lines = [`sentinel monitor safe 127.0.0.1 ${masterPort} 1`, 'sentinel auth-pass safe "of the master"'];
  const sentinel = await startRedis({ sentinel: lines, args: ["--tls-port", String(sentinelPort), ...tls] });
  onTestFinished(() => sentinel.stop());
  await ask(sentinel.url, "ACL", "SETUSER", "watch", "on", ">dog", "+@all");
  await ask(sentinel.url, "ACL", "SETUSER", "default", "off");

  const url = `sentinels://:of%20the%20master@127.0.0.1:${sentinelPort}/safe/0?ssl_ca_certs=${cert}`;
  const welcome = await connect(url, { sentinel: { username: "watch", password: "dog" } });
  onTestFinished(() => welcome.close());
  expect((await welcome.ping(5000)).server).toMatch(/\d/);
  const stranger = await connect(url);
  onTestFinished(() => stranger.close());
  await expect(stranger.ping(5000)).rejects.toMatchObject({
    code: "LOVAGE_STORE_ACCESS",
    message: expect.stringMatching(/^The sentinel 127.0.0.1:\d+ of .* does not let us in/),
  });
});
