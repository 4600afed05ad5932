// `npm run bench:canvas`: what compositions cost. Building and encoding them by shape and size; running a long chain in this
// process (every step decodes and encodes what is left of it); chords on a Redis that this script starts, per member.
import { execFileSync } from "node:child_process";
import { chain, chord, createApp, defineTask, group, remoteTask } from "lovage";
import { startRedis } from "lovage/testing";
import { startWorker } from "lovage/worker";
import { describeMachine } from "./lib/machine.mjs";
import { startProcess } from "./lib/process.mjs";

const add = defineTask("bench.add", (/** @type {any} */ x, /** @type {any} */ y) => Number(x) + Number(y));
const count = defineTask("bench.count", (/** @type {readonly unknown[]} */ values) => values.length);
/** @type {any} */
const anyChain = chain;
/** @param {number} length @param {(i: number) => any} make */
const list = (length, make) => Array.from({ length }, (_, i) => make(i));
/** @param {number} depth @param {(inner: any, i: number) => any} wrap */
const nested = (depth, wrap) => list(depth, (i) => i).reduce((inner, i) => wrap(inner, i), add.s(1));

/** @type {Readonly<Record<string, { sizes: readonly number[], make: (size: number) => any }>>} */
const shapes = {
  chain: { sizes: [250, 500, 1000], make: (n) => anyChain(...list(n, (i) => add.s(i))) },
  "chain of chains": { sizes: [250, 500, 1000], make: (n) => list(n, (i) => add.s(i)).reduce((done, next) => anyChain(done, next)) },
  group: { sizes: [1000, 5000], make: (n) => group(list(n, (i) => add.s(i, i))) },
  chord: {
    sizes: [1000, 5000],
    make: (n) =>
      chord(
        list(n, (i) => add.s(i, i)),
        count.s(),
      ),
  },
  "groups in a row": {
    sizes: [8, 15, 30],
    make: (n) => anyChain(add.s(0), ...list(n, (i) => [group([add.s(i), add.s(2)]), add.s()]).flat()),
  },
  "chords in bodies": { sizes: [8, 15, 30], make: (n) => nested(n, (inner, i) => chord([add.s(i, i), add.s(2, 2)], inner)) },
  "chords in headers": { sizes: [8, 15, 30], make: (n) => nested(n, (inner, i) => chord([inner, add.s(i, i)], count.s())) },
};

/** @param {readonly number[]} times */
const median = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
/** @param {number} number */
const rounded = (number) => Number(number.toPrecision(3));

async function building() {
  const app = createApp({ broker: "memory:", environment: false, folder: false, maxPayloadBytes: 2 ** 29 });
  const rows = [];
  for (const [shape, { sizes, make }] of Object.entries(shapes)) {
    for (const size of sizes) {
      const times = [];
      let messages = [];
      for (let round = 0; round < 9; round++) {
        const start = performance.now();
        const { publication } = await app.prepare(make(size).toSignature(), []);
        times.push(performance.now() - start);
        messages = /** @type {any} */ (publication.messages);
      }
      const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message.bytes), 0);
      const ms = median(times);
      rows.push({
        shape,
        size,
        ms: rounded(ms),
        "µs per part": rounded((ms * 1000) / size),
        messages: messages.length,
        bytes,
        "bytes per part": Math.round(bytes / size),
      });
    }
  }
  await app.close();
  return rows;
}

async function running() {
  const app = createApp({ broker: "memory:", environment: false, folder: false, tasks: [add] });
  const worker = await startWorker(app, { pool: "inline", logLevel: "silent" });
  await worker.ready;
  const rows = [];
  for (const size of [250, 500, 1000]) {
    const steps = shapes.chain?.make(size).clone([0]);
    const { publication } = await app.prepare(steps.toSignature(), []);
    const first = publication.messages[0]?.bytes.length ?? 0;
    const start = performance.now();
    const total = await (await steps.send(app)).get({ timeoutMs: 120_000 });
    const ms = performance.now() - start;
    if (total !== (size * (size - 1)) / 2) throw new Error(`A chain of ${size} gave ${total}.`);
    rows.push({
      "links run": size,
      ms: Math.round(ms),
      "µs per link": Math.round((ms * 1000) / size),
      "MB of messages": rounded((first * size) / 2e6),
    });
  }
  await worker.stop("cold");
  await app.close();
  return rows;
}

async function chords() {
  const redis = await startRedis();
  const bin = new URL("../packages/lovage/bin/lovage.js", import.meta.url).pathname;
  const module = new URL("./canvas-app.mjs", import.meta.url).pathname;
  const args = [bin, "worker", "-A", module, "-P", "async", "-c", "100"];
  const worker = await startProcess(process.execPath, args, { env: { REDIS_URL: redis.url }, ready: /ready\./ });
  const app = createApp({ broker: redis.url, environment: false, folder: false });
  const rows = [];
  try {
    for (const size of [1000, 5000, 1000, 5000]) {
      const start = performance.now();
      const result = await chord(
        list(size, (i) => remoteTask("canvas.number").s(i)),
        remoteTask("canvas.count").s(),
      ).send(app);
      if ((await result.get({ timeoutMs: 120_000 })) !== size) throw new Error(`A chord of ${size} lost members.`);
      const ms = performance.now() - start;
      rows.push({
        members: size,
        ms: Math.round(ms),
        "µs per member": Math.round((ms * 1000) / size),
        ...(await keysOf(app, redis, size)),
      });
    }
  } finally {
    await worker.stop();
    await app.close();
    await redis.stop();
  }
  return rows;
}

/** The keys of one whose last member waits where nobody looks. @param {import("lovage").App} app @param {{ port: number }} redis @param {number} size */
async function keysOf(app, redis, size) {
  const number = remoteTask("canvas.number");
  const members = [...list(size - 1, (i) => number.s(i)), number.s(0).set({ queue: "late" })];
  const { parent } = await chord(members, remoteTask("canvas.count").s()).send(app);
  /** @param {string[]} command */
  const ask = (...command) => Number(execFileSync("redis-cli", ["-p", String(redis.port), ...command], { encoding: "utf8" }));
  const key = `celery-taskset-meta-${parent?.id}`;
  while (ask("ZCARD", `${key}.j`) < size - 1) await new Promise((resolve) => setTimeout(resolve, 20));
  const bytes = [".j", ".s", ".t"].reduce((sum, end) => sum + ask("MEMORY", "USAGE", key + end, "SAMPLES", "0"), 0);
  return { "bytes of its keys": bytes, "bytes per member": rounded(bytes / size) };
}

const machine = describeMachine();
console.log(`node ${machine.node}, ${machine.cpus} × ${machine.model}`);
console.log("\nBuild and encode:");
console.table(await building());
console.log("A chain, run in this process on the store in memory:");
console.table(await running());
console.log("A chord on Redis, one node of the pool async:");
console.table(await chords());
