// `npm run bench:eta`: how late tasks begin that are due at a given moment: 10,000 spread over 5 s, Lovage and BullMQ in turn on
// one Redis that this script starts, one worker of 100 slots each. And what tasks due tomorrow cost a worker.
//   --rounds N   default 3        --count N   default 10000        --far N   default 200000, 0: not measured
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { describeMachine } from "./lib/machine.mjs";
import { startProcess } from "./lib/process.mjs";
import { startRedis } from "./lib/redis-server.mjs";
import { median, percentile } from "./lib/statistics.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    count: { type: "string", default: "10000" },
    far: { type: "string", default: "200000" },
  },
});
const [rounds, count, far] = [Number(flags.rounds), Number(flags.count), Number(flags.far)];
/** Milliseconds over which tasks are due, and from the first send to the first of them. */
const [windowMs, aheadMs] = [5000, 6000];
const bulk = 1000;
const concurrency = 100;

const redis = await startRedis();
process.env.REDIS_URL = redis.url;
const { default: app, due } = await import("./contestants/eta-app.mjs");
const { Queue } = await import("bullmq");
const queue = new Queue("eta", { connection: { host: "127.0.0.1", port: redis.port } });
const folder = mkdtempSync(join(tmpdir(), "lovage-eta-"));
const cli = new URL("../packages/lovage/bin/lovage.js", import.meta.url).pathname;
const own = (/** @type {string} */ path) => new URL(path, import.meta.url).pathname;

const contestants = [
  {
    name: "Lovage",
    start: () =>
      startProcess(
        process.execPath,
        [cli, "worker", "-A", own("contestants/eta-app.mjs"), "-l", "warn", "-P", "async", "-c", String(concurrency)],
        {
          ready: / ready\./,
        },
      ),
    /** @param {readonly number[]} times @param {string} file */
    send: (times, file) => Promise.all(times.map((at) => app.send(due, [at, file], { eta: new Date(at) }))),
  },
  {
    name: "BullMQ",
    start: () =>
      startProcess(process.execPath, [own("contestants/eta-bullmq-worker.mjs"), String(redis.port), String(concurrency)], {
        ready: /ready\./,
      }),
    /** @param {readonly number[]} times @param {string} file */
    send: (times, file) =>
      queue.addBulk(times.map((at) => ({ name: "due", data: { at, file }, opts: { delay: Math.max(0, at - Date.now()) } }))),
  },
];

/** @param {string} file */
const linesOf = (file) => readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number);
const inFlight = async () => {
  const keys = await redis.client.keys("lovage:default:flight:*");
  const held = await Promise.all(keys.map((key) => redis.client.hlen(key)));
  return held.reduce((sum, one) => sum + one, 0);
};

/** @param {(typeof contestants)[number]} contestant @param {number} round */
async function late({ name, start, send }, round) {
  const file = join(folder, `${name}-${round}`);
  writeFileSync(file, "");
  const worker = await start();
  const first = Date.now() + aheadMs;
  const times = Array.from({ length: count }, () => Math.round(first + Math.random() * windowMs));
  for (let done = 0; done < count; done += bulk) await send(times.slice(done, done + bulk), file);
  const spareMs = first - Date.now();
  await sleep(Math.max(0, spareMs - 1000));
  const held = name === "Lovage" ? await inFlight() : null;
  const deadline = performance.now() + 60_000;
  while (linesOf(file).length < count && performance.now() < deadline) await sleep(100);
  const { cpuSeconds } = worker.usage();
  await worker.stop();
  const lateness = linesOf(file);
  if (lateness.length !== count) throw new Error(`${name} ran ${lateness.length} of ${count} tasks`);
  const [p50, p99, most, least] = [percentile(lateness, 0.5), percentile(lateness, 0.99), Math.max(...lateness), Math.min(...lateness)];
  console.error(
    `  ${name.padEnd(7)} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, most ${most} ms, least ${least} ms, worker CPU ${cpuSeconds.toFixed(1)} s${held === null ? "" : `, in flight meanwhile ${held}`}`,
  );
  return { p50, p99, most };
}

/** What a worker that has been at work grows by while it puts off tasks that are due tomorrow. */
async function grown() {
  const [lovage] = contestants;
  const worker = await lovage.start();
  const warm = join(folder, "warm");
  writeFileSync(warm, "");
  for (let done = 0; done < 20_000; done += bulk) await lovage.send(new Array(bulk).fill(Date.now()), warm);
  while (linesOf(warm).length < 20_000) await sleep(100);
  await sleep(2000);
  const before = worker.usage().memoryMiB;
  const tomorrow = Array.from({ length: bulk }, () => Date.now() + 86_400_000);
  for (let done = 0; done < far; done += bulk) await lovage.send(tomorrow, join(folder, "far"));
  while ((await redis.client.zcard("lovage:default:parked:due")) < far) await sleep(100);
  await sleep(2000);
  const after = worker.usage().memoryMiB;
  const held = await inFlight();
  await worker.stop();
  return { before, after, held };
}

/** @type {Record<string, { p50: number, p99: number, most: number }[]>} */
const figures = { Lovage: [], BullMQ: [] };
try {
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1} on redis ${redis.version}`);
    for (const contestant of round % 2 === 0 ? contestants : [...contestants].reverse())
      figures[contestant.name]?.push(await late(contestant, round));
  }
  const of = (/** @type {string} */ name, /** @type {"p50" | "p99" | "most"} */ what) =>
    median((figures[name] ?? []).map((one) => one[what]));
  const { cpus, node } = describeMachine();
  console.log(`${count} tasks due in ${windowMs / 1000} s, medians of ${rounds} rounds, ${cpus} CPUs, Node ${node}`);
  console.log("| late by (ms) | p50 | p99 | most |\n|---|---|---|---|");
  for (const name of ["Lovage", "BullMQ"])
    console.log(`| ${name} | ${of(name, "p50").toFixed(1)} | ${of(name, "p99").toFixed(1)} | ${of(name, "most")} |`);
  console.log(`ratio of p99: ${(of("Lovage", "p99") / of("BullMQ", "p99")).toFixed(2)}`);
  if (far > 0) {
    const { before, after, held } = await grown();
    console.log(
      `${far} tasks due tomorrow: the worker (with its runner) grew from ${before.toFixed(0)} to ${after.toFixed(0)} MiB and holds ${held}`,
    );
  }
} finally {
  await app.close();
  await queue.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
