// `npm run bench:revokes`: what a million revokes cost in Redis and in a running node, what a node that starts meets of them, and
// what is left when they have expired.
//   --count N   default 1000000        --pools a,b   default async,threads,processes,solo (-c 4)        --kept SECONDS   default 150
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { describeMachine } from "./lib/machine.mjs";
import { startProcess } from "./lib/process.mjs";
import { startRedis } from "./lib/redis-server.mjs";

const { values: flags } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    pools: { type: "string", default: "async,threads,processes,solo" },
    kept: { type: "string", default: "150" },
  },
});
const count = Number(flags.count);
const slice = 10_000;
const runners = { async: 1, solo: 1, threads: 4, processes: 4 };
const cli = new URL("../packages/lovage/bin/lovage.js", import.meta.url).pathname;
const appModule = new URL("contestants/revokes-app.mjs", import.meta.url).pathname;

/** @param {Awaited<ReturnType<typeof startRedis>>} redis */
async function bytesIn(redis) {
  const keys = await redis.client.keys("lovage:default:revokes*");
  const sizes = await Promise.all(keys.map((key) => redis.client.call("MEMORY", "USAGE", key, "SAMPLES", "0")));
  return sizes.reduce((/** @type {number} */ sum, size) => sum + Number(size), 0);
}

/** @param {string} pool */
function startNode(pool) {
  const size = pool === "solo" ? [] : ["-c", "4"];
  return startProcess(process.execPath, [cli, "worker", "-A", appModule, "-l", "warn", "-P", pool, ...size], { ready: / ready\./ });
}

/** All of them expire at the same time, and not before they are measured. */
async function addRevokes(app, expiresAt) {
  const { revokes } = await app.store();
  for (let done = 0; done < count; done += slice) {
    const ids = Array.from({ length: slice }, () => randomUUID());
    const batch = ids.map((value) => ({ by: "id", value, terminate: true, killAfterMs: 5000 }));
    await revokes.revoke(batch, expiresAt - performance.now());
  }
}

/** Live bytes of all runners after a collection: heap and buffers, as each of them says. */
async function liveMiB(app, weigh, expected) {
  const said = new Map();
  for (let tries = 0; said.size < expected && tries < 50; tries++) {
    const answers = await Promise.all(Array.from({ length: 16 }, async () => (await app.send(weigh)).get({ timeoutMs: 60_000 })));
    for (const { runner, bytes } of answers) said.set(runner, bytes);
  }
  if (said.size !== expected) throw new Error(`${said.size} of ${expected} runners were heard`);
  return [...said.values()].reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20;
}

/** @param {keyof typeof runners} pool */
async function measured(pool) {
  const redis = await startRedis();
  process.env.REDIS_URL = redis.url;
  const { create, give, weigh } = await import(`./contestants/revokes-app.mjs?${pool}`);
  const app = create();
  const node = await startNode(pool);
  const ask = async () => (await app.send(give, [1])).get({ timeoutMs: 60_000 });
  const warm = async (rounds = 4) => {
    for (let i = 0; i < rounds; i++) await Promise.all(Array.from({ length: 500 }, ask));
    await sleep(2000);
  };
  const look = async () => ({ live: await liveMiB(app, weigh, runners[pool]), ...node.usage() });
  try {
    // A node that has been at work has its young heap already.
    await warm(40);
    const before = await look();
    const from = performance.now();
    const expiresAt = from + Number(flags.kept) * 1000;
    await addRevokes(app, expiresAt);
    const addedMs = performance.now() - from;
    const bytesEach = (await bytesIn(redis)) / count;
    await warm();
    const most = node.usage().memoryMiB;
    const after = await look();
    const refused = await app.send(give, [1], { countdown: 1 });
    const { revokes } = await app.store();
    await revokes.revoke([{ by: "id", value: refused.id, terminate: false, killAfterMs: 0 }], 10_000);
    const answer = await refused.get({ timeoutMs: 10_000 }).catch((/** @type {Error} */ error) => error.name);
    if (answer !== "TaskRevokedError") throw new Error(`a revoked task ended as ${answer}`);
    if (performance.now() > expiresAt) throw new Error("they expired before they were measured: give a longer --kept");
    while ((await redis.client.exists("lovage:default:revokes")) > 0) await sleep(500);
    await warm();
    const expired = await look();
    return { bytesEach, addedMs, before, most, after, expired, left: await bytesIn(redis) };
  } finally {
    await node.stop();
    await app.close();
    await redis.stop();
  }
}

const { cpus, node } = describeMachine();
console.log(`${count} revokes by id, -c 4, ${cpus} CPUs, Node ${node}`);
console.log("node: Pss of the supervisor and its runners; live: heap and buffers of all runners after a collection. MiB");
console.log(
  "| pool | bytes each in Redis | added in | node before | after | more | expired | live before | after | expired | left in Redis |",
);
console.log("|---|---|---|---|---|---|---|---|---|---|---|");
for (const pool of flags.pools.split(",")) {
  const { bytesEach, addedMs, before, most, after, expired, left } = await measured(pool);
  const cells = [pool, bytesEach.toFixed(0), `${(addedMs / 1000).toFixed(1)} s`];
  const sizes = [before.memoryMiB, most, most - before.memoryMiB, expired.memoryMiB, before.live, after.live, expired.live];
  console.log(`| ${[...cells, ...sizes.map((size) => size.toFixed(0)), `${(left / 1024).toFixed(0)} KiB`].join(" | ")} |`);
  const each = (/** @type {typeof before} */ { processes }) => processes.map((mib) => mib.toFixed(0)).join(" + ");
  console.log(`  ${each(before)} → ${each(after)} → ${each(expired)}`);
}
process.exit(0);
