// One round: every measurement once, contestants in turn, on a Redis emptied before each.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { bullmq } from "../contestants/bullmq.mjs";
import { celery, countResults } from "../contestants/celery.mjs";
import { floor } from "../contestants/floor.mjs";
import { measureDrain } from "./drain.mjs";
import { measureIdle } from "./idle.mjs";
import { latencies, measureLatencies } from "./latency.mjs";

const versionOf = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;
const pools = {
  "async x1": ["-P", "async", "-c", "100"],
  "async x4": ["-P", "async", "-c", "100", "--processes", "4"],
  "processes -c4": ["-P", "processes", "-c", "4"],
  "threads -c4": ["-P", "threads", "-c", "4"],
};

/** All of them, on one server; to be closed when the last round is over. */
export async function openContestants(redis) {
  process.env.REDIS_URL = redis.url;
  const { lovage } = await import("../contestants/lovage.mjs");
  const environment = { REDIS_URL: redis.url };
  const ours = lovage(environment, { waiting: () => redis.client.llen("celery"), ended: () => countResults(redis) });
  const fill = (count) => ours.fill(count);
  const theirs = bullmq(redis);
  return {
    ...{ ours, theirs, python: celery(redis, fill), bare: floor(redis, fill) },
    close: () => Promise.all([ours.close(), theirs.close()]),
  };
}

export async function runRound(redis, { ours, theirs, python, bare }, { quick, say }) {
  const figures = {};
  const measure = async (name, run) => {
    await redis.client.flushall();
    const value = await run();
    figures[name] = value;
    say(`${name}: ${JSON.stringify(value)}`);
  };
  // Loads that keep each contestant busy for some seconds: what it does while its code is still cold counts for little then.
  const n = (count) => (quick ? Math.ceil(count / 4) : count);

  await measure("drain floor x1", () => drain(bare, n(300_000), () => bare.startWorkers({ processes: 1 }), redis));
  await measure("drain lovage async x1", () => drain(ours, n(250_000), () => ours.startWorkers(pools["async x1"]), redis));
  await measure("drain bullmq x1", () => drain(theirs, n(120_000), () => theirs.startWorkers({ processes: 1, concurrency: 100 }), redis));
  await measure("drain floor x4", () => drain(bare, n(400_000), () => bare.startWorkers({ processes: 4 }), redis));
  await measure("drain lovage async x4", () => drain(ours, n(400_000), () => ours.startWorkers(pools["async x4"]), redis));
  await measure("drain bullmq x4", () => drain(theirs, n(120_000), () => theirs.startWorkers({ processes: 4, concurrency: 100 }), redis));
  await measure("drain lovage processes -c4", () => drain(ours, n(40_000), () => ours.startWorkers(pools["processes -c4"]), redis));
  await measure("drain lovage threads -c4", () => drain(ours, n(40_000), () => ours.startWorkers(pools["threads -c4"]), redis));
  if (python) await measure("drain celery prefork -c4", () => drain(python, n(6000), () => python.startWorkers({ concurrency: 4 }), redis));

  for (const one of [ours, theirs]) {
    const name = one.name.toLowerCase();
    await measure(`enqueue one by one ${name}`, () => rate(n(5000), (count) => one.enqueueOneByOne(count)));
    await measure(`enqueue 1000 at once ${name}`, () => rate(1000, (count) => one.enqueueConcurrently(count), 10));
    await measure(`enqueue bulk ${name}`, () => rate(1000, (count) => one.enqueueBulk(count), 20));
  }
  await measure("enqueue one by one floor", () => rate(n(5000), (count) => bare.enqueueOneByOne(count)));
  if (python) {
    await measure("enqueue one by one celery", () => python.oneByOneRate(n(3000)));
    await measure("enqueue bulk celery", () => python.bulkRate(n(3000)));
  }

  const startOurs = () => ours.startWorkers(pools["async x1"]);
  const startTheirs = () => theirs.startWorkers({ processes: 1, concurrency: 100 });
  await redis.client.flushall();
  await atWork(ours, startOurs, () =>
    atWork(theirs, startTheirs, async () => {
      const measured = await measureLatencies([ours, theirs], n(500));
      for (const { name } of [ours, theirs]) figures[`latency ${name.toLowerCase()}`] = measured.get(name);
    }),
  );
  for (const [one, start] of [
    [ours, startOurs],
    [theirs, startTheirs],
  ]) {
    await redis.client.flushall();
    await atWork(one, start, async () => {
      figures[`fan-in 1000 ${one.name.toLowerCase()}`] = await best(3, () => one.fanIn(1000));
    });
  }
  await redis.client.flushall();
  if (python) {
    await atWork(
      python,
      () => python.startWorkers({ concurrency: 4 }),
      async () => {
        figures["latency celery"] = latencies(await python.roundTrips(n(200)));
        figures["fan-in 1000 celery"] = await python.fanIn(1000);
      },
    );
  }
  for (const name of [
    "latency lovage",
    "latency bullmq",
    "latency celery",
    "fan-in 1000 lovage",
    "fan-in 1000 bullmq",
    "fan-in 1000 celery",
  ])
    say(`${name}: ${JSON.stringify(figures[name])}`);

  await measure("idle lovage", () => measureIdle(redis, () => ours.startWorkers(pools["async x1"]), quick ? 5 : 20));
  await measure("idle bullmq", () => measureIdle(redis, () => theirs.startWorkers({ processes: 1, concurrency: 100 }), quick ? 5 : 20));
  figures["drain lovage embedded"] = await embedded(n(20_000));
  say(`drain lovage embedded: ${JSON.stringify(figures["drain lovage embedded"])}`);
  return {
    figures,
    versions: {
      lovage: versionOf("lovage"),
      bullmq: versionOf("bullmq"),
      ioredis: versionOf("ioredis"),
      ...(python ? { celery: python.version } : {}),
    },
  };
}

async function drain(contestant, count, start, redis) {
  await contestant.fill(count);
  const serverBefore = await redis.cpuSeconds();
  const draining = measureDrain(count, contestant.waiting, contestant.ended);
  const workers = await start();
  try {
    const { perSecond } = await draining;
    const { cpuSeconds, memoryMiB } = workers.usage();
    const serverCpu = (await redis.cpuSeconds()) - serverBefore;
    return { perSecond, workerCpuPer1000: (cpuSeconds / count) * 1000, redisCpuPer1000: (serverCpu / count) * 1000, memoryMiB };
  } finally {
    await workers.stop();
  }
}

async function rate(count, enqueue, times = 1) {
  await enqueue(Math.min(count, 200)); // connections and code are warm
  const started = performance.now();
  for (let i = 0; i < times; i++) await enqueue(count);
  return (count * times) / ((performance.now() - started) / 1000);
}

async function atWork(contestant, start, run) {
  const workers = await start();
  try {
    // Warm code on both sides: a queue's first thousand tasks are not its life. After 500 round trips V8 still compiles.
    await contestant.fill(2000);
    await contestant.roundTrips(2000, () => undefined);
    await run();
  } finally {
    await workers.stop();
  }
}

async function best(times, run) {
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) lowest = Math.min(lowest, await run());
  return lowest;
}

/** A whole life on SQLite in a process of its own settings: fill, one async worker, drain. */
async function embedded(count) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lovage-bench-"));
  const broker = `sqlite:${path.join(folder, "bench.db")}`;
  const { runForJson } = await import("./process.mjs");
  try {
    return await runForJson(process.execPath, [new URL("./embedded.mjs", import.meta.url).pathname, String(count)], {
      env: { LOVAGE_BROKER: broker, REDIS_URL: "" },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
