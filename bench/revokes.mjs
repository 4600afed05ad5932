// `npm run bench:revokes`: what a million revokes cost in Redis and in a running node, what a node that starts meets of them, and
// what is left when they have expired.
//   --count N   default 1000000        --pools a,b   default async,processes,threads (-c 4 each)        --kept SECONDS   default 120
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { describeMachine } from "./lib/machine.mjs";
import { startProcess } from "./lib/process.mjs";
import { startRedis } from "./lib/redis-server.mjs";

const { values: flags } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    pools: { type: "string", default: "async,processes,threads" },
    kept: { type: "string", default: "120" },
  },
});
const [count, keptMs] = [Number(flags.count), Number(flags.kept) * 1000];
const slice = 10_000;
const cli = new URL("../packages/lovage/bin/lovage.js", import.meta.url).pathname;
const appModule = new URL("contestants/revokes-app.mjs", import.meta.url).pathname;

/** @param {Awaited<ReturnType<typeof startRedis>>} redis */
async function bytesIn(redis) {
  const keys = await redis.client.keys("lovage:default:revokes*");
  const sizes = await Promise.all(keys.map((key) => redis.client.call("MEMORY", "USAGE", key, "SAMPLES", "0")));
  return sizes.reduce((/** @type {number} */ sum, size) => sum + Number(size), 0);
}
/** @param {string} pool */
const startNode = (pool) =>
  startProcess(process.execPath, [cli, "worker", "-A", appModule, "-l", "warn", "-P", pool, "-c", "4"], { ready: / ready\./ });

/** @param {string} pool */
async function measured(pool) {
  const redis = await startRedis();
  process.env.REDIS_URL = redis.url;
  const { default: createApp, give } = await import(`./contestants/revokes-app.mjs?${pool}`).then((m) => ({
    default: m.create,
    give: m.give,
  }));
  const app = createApp();
  const node = await startNode(pool);
  const ask = async () => (await app.send(give, [1])).get({ timeoutMs: 60_000 });
  const warm = async (rounds = 4) => {
    for (let i = 0; i < rounds; i++) await Promise.all(Array.from({ length: 500 }, ask));
    await sleep(2000);
  };
  try {
    // A node that has been at work has its young heap already.
    await warm(40);
    const nodeBefore = node.usage().memoryMiB;
    const { revokes } = await app.store();
    const from = performance.now();
    for (let done = 0; done < count; done += slice) {
      const ids = Array.from({ length: slice }, () => randomUUID());
      await revokes.revoke(
        ids.map((value) => ({ by: "id", value, terminate: true, killAfterMs: 5000 })),
        keptMs,
      );
    }
    const addedMs = performance.now() - from;
    const bytesEach = (await bytesIn(redis)) / count;
    await warm();
    const nodeAfter = node.usage().memoryMiB;
    const refused = await app.send(give, [1], { countdown: 1 });
    await revokes.revoke([{ by: "id", value: refused.id, terminate: false, killAfterMs: 0 }], keptMs);
    const answer = await refused.get({ timeoutMs: 10_000 }).catch((/** @type {Error} */ error) => error.name);
    console.error(
      `  ${pool}: ${bytesEach.toFixed(0)} bytes each, added in ${(addedMs / 1000).toFixed(1)} s, ${nodeBefore.toFixed(0)} → ${nodeAfter.toFixed(0)} MiB`,
    );
    // One that starts now.
    const fresh = await startNode(pool);
    await node.stop();
    const asked = performance.now();
    await ask();
    const freshMs = performance.now() - asked;
    await warm(40);
    const freshMiB = fresh.usage().memoryMiB;
    console.error(`  a fresh node: first task after ${freshMs.toFixed(0)} ms, then ${freshMiB.toFixed(0)} MiB`);
    while ((await redis.client.exists("lovage:default:revokes")) > 0) await sleep(500);
    const left = await bytesIn(redis);
    await warm();
    const expiredMiB = fresh.usage().memoryMiB;
    await fresh.stop();
    return { pool, bytesEach, addedMs, nodeBefore, nodeAfter, answer, freshMs, freshMiB, left, expiredMiB };
  } finally {
    await app.close();
    await redis.stop();
  }
}

const { cpus, node } = describeMachine();
console.log(`${count} revokes by id, -c 4, ${cpus} CPUs, Node ${node}; memory of a node with all its processes (Pss)`);
console.log(
  "| pool | bytes each in Redis | added in | node before | after | more | first task of a fresh node | it then has | when expired | left in Redis |",
);
console.log("|---|---|---|---|---|---|---|---|---|---|");
for (const pool of flags.pools.split(",")) {
  const { bytesEach, addedMs, nodeBefore, nodeAfter, answer, freshMs, freshMiB, left, expiredMiB } = await measured(pool);
  if (answer !== "TaskRevokedError") throw new Error(`a revoked task ended as ${answer}`);
  const cells = [
    ...[pool, bytesEach.toFixed(0), `${(addedMs / 1000).toFixed(1)} s`, `${nodeBefore.toFixed(0)} MiB`, `${nodeAfter.toFixed(0)} MiB`],
    ...[
      `${(nodeAfter - nodeBefore).toFixed(0)} MiB`,
      `${freshMs.toFixed(0)} ms`,
      `${freshMiB.toFixed(0)} MiB`,
      `${expiredMiB.toFixed(0)} MiB`,
    ],
    `${(left / 1024).toFixed(0)} KiB`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
process.exit(0);
