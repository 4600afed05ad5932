// `npm run bench:events`: what task events cost while nobody listens and while somebody does, against none at all, in alternating
// rounds; then a fleet under a steady load, of which a live listener must hear every step.
//   --rounds N default 3   --count N tasks of a drain, default 100000   --nodes N default 10   --rate N tasks/s, default 5000
//   --seconds N of the steady load, default 15   --only drain|fleet
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { countResults } from "./contestants/celery.mjs";
import { measureDrain } from "./lib/drain.mjs";
import { startListener } from "./lib/listener.mjs";
import { describeMachine } from "./lib/machine.mjs";
import { startProcess } from "./lib/process.mjs";
import { startRedis } from "./lib/redis-server.mjs";
import { median } from "./lib/statistics.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    count: { type: "string", default: "100000" },
    nodes: { type: "string", default: "10" },
    rate: { type: "string", default: "5000" },
    seconds: { type: "string", default: "15" },
    only: { type: "string" },
  },
});
const cli = new URL("../packages/lovage/bin/lovage.js", import.meta.url).pathname;
const appModule = new URL("contestants/lovage-app.mjs", import.meta.url).pathname;
const steps = ["task-received", "task-started", "task-succeeded"];
/** Milliseconds after the last result for the last event to be heard. */
const settleMs = 10_000;

const redis = await startRedis();
process.env.REDIS_URL = redis.url;
const { default: app, noop } = await import("./contestants/lovage-app.mjs");
const startNode = (...more) =>
  startProcess(process.execPath, [cli, "worker", "-A", appModule, "-l", "warn", ...more], { ready: / ready\./ });
const send = (count) =>
  app.sendMany(
    noop,
    Array.from({ length: count }, (_, i) => [i]),
  );

/** Waits until all have been heard, or so long that they will not be. */
async function heardAll(listener, count) {
  const until = performance.now() + settleMs;
  for (;;) {
    const counts = await listener.counts();
    if (steps.every((step) => counts[step] === count) || performance.now() > until) return counts;
    await sleep(50);
  }
}

const lossOf = (counts, count) => steps.map((step) => count - (counts[step] ?? 0));

/** @param {"off" | "unheard" | "heard"} mode */
async function drain(mode, count) {
  await redis.client.flushall();
  for (let done = 0; done < count; done += 1000) await send(Math.min(1000, count - done));
  const serverBefore = await redis.cpuSeconds();
  const draining = measureDrain(
    count,
    () => redis.client.llen("celery"),
    () => countResults(redis),
  );
  // A node that nobody has told otherwise looks for listeners before its runners begin: the listener is there first.
  const listener = mode === "heard" ? await startListener(redis.url, 0) : undefined;
  while (listener && Number(await redis.client.call("PUBSUB", "NUMPAT")) === 0) await sleep(10);
  const node = await startNode("-P", "async", "-c", "100", ...(mode === "off" ? [] : ["-E"]));
  try {
    const { perSecond } = await draining;
    const usage = node.usage();
    const serverCpu = (await redis.cpuSeconds()) - serverBefore;
    const lost = listener && lossOf(await heardAll(listener, count), count);
    return { perSecond, workerUs: (usage.cpuSeconds / count) * 1e6, redisUs: (serverCpu / count) * 1e6, ...(lost && { lost }) };
  } finally {
    await node.stop();
    await listener?.stop();
  }
}

async function costs() {
  const modes = /** @type {const} */ (["off", "unheard", "heard"]);
  const figures = Object.fromEntries(modes.map((mode) => [mode, []]));
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const mode of round % 2 === 0 ? modes : [...modes].reverse()) {
      const figure = await drain(mode, Number(flags.count));
      console.error(`round ${round + 1} ${mode}: ${JSON.stringify(figure)}`);
      figures[mode].push(figure);
    }
  }
  const of = (mode, name) => median(figures[mode].map((figure) => figure[name]));
  console.log("\n| task events | tasks/s | of off | worker CPU µs/task | Redis CPU µs/task |\n|---|---|---|---|---|");
  for (const mode of modes) {
    const [rate, worker, server] = [of(mode, "perSecond"), of(mode, "workerUs"), of(mode, "redisUs")];
    const ratio = ((rate / of("off", "perSecond")) * 100).toFixed(1);
    console.log(`| ${mode} | ${Math.round(rate).toLocaleString("en")} | ${ratio} % | ${worker.toFixed(1)} | ${server.toFixed(1)} |`);
  }
}

/** Nodes with events on, tasks offered at a steady rate: what was sent, done and heard. */
async function fleet() {
  await redis.client.flushall();
  const size = Number(flags.nodes);
  const names = Array.from({ length: size }, (_, i) => `n${i + 1}@bench`);
  const nodes = await Promise.all(names.map((name) => startNode("-P", "async", "-c", "20", "-E", "-n", name)));
  const listener = await startListener(redis.url, size);
  try {
    const total = Number(flags.rate) * Number(flags.seconds);
    const slice = Math.ceil(Number(flags.rate) / 20);
    const began = performance.now();
    for (let sent = 0; sent < total; sent += slice) {
      const late = began + (sent / Number(flags.rate)) * 1000 - performance.now();
      if (late > 0) await sleep(late);
      await send(Math.min(slice, total - sent));
    }
    const offeredPerSecond = total / ((performance.now() - began) / 1000);
    while ((await countResults(redis)) < total) await sleep(20);
    const donePerSecond = total / ((performance.now() - began) / 1000);
    const counts = await heardAll(listener, total);
    console.log(`\n${size} nodes, ${total} tasks offered at ${Math.round(offeredPerSecond)}/s, done at ${Math.round(donePerSecond)}/s`);
    console.log(`\n| event | sent | heard | lost |\n|---|---|---|---|`);
    for (const step of steps) console.log(`| ${step} | ${total} | ${counts[step] ?? 0} | ${total - (counts[step] ?? 0)} |`);
    if (lossOf(counts, total).some((lost) => lost !== 0)) process.exitCode = 1;
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await listener.stop();
  }
}

console.error(describeMachine());
try {
  if (flags.only !== "fleet") await costs();
  if (flags.only !== "drain") await fleet();
} finally {
  await app.close();
  await redis.stop();
}
