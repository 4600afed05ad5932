// `npm run bench:jobs`: so many jobs uploaded at once to a job service that shares two cores with its workers and its store, and
// how long `GET /status` takes meanwhile, asked by a process of its own. Client and poller have the other cores.
//   --jobs N   default 500    --bytes N   of each, default 20000    --rate N   status requests per second, default 100
//   --store redis|sqlite   default both    --cores 0,1    --workers N   default 2
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startRedis } from "lovage/testing";
import { describeMachine } from "./lib/machine.mjs";
import { startProcess } from "./lib/process.mjs";
import { percentile } from "./lib/statistics.mjs";

const { values: flags } = parseArgs({
  options: {
    jobs: { type: "string", default: "500" },
    bytes: { type: "string", default: "20000" },
    rate: { type: "string", default: "100" },
    store: { type: "string", multiple: true, default: ["redis", "sqlite"] },
    cores: { type: "string", default: "0,1" },
    workers: { type: "string", default: "2" },
  },
});
const cli = new URL("../packages/lovage/bin/lovage.js", import.meta.url).pathname;
const own = (/** @type {string} */ path) => new URL(path, import.meta.url).pathname;
const agent = new Agent({ keepAlive: true });
const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(Number(flags.bytes), 7)]);

console.log(describeMachine());
for (const store of flags.store) console.log(await measure(store));
agent.destroy();

/** @param {string} store */
async function measure(store) {
  const folder = mkdtempSync(join(tmpdir(), "lovage-bench-jobs-"));
  const redis = store === "redis" ? await startRedis() : undefined;
  if (redis) pin(redis.pid, flags.cores);
  const env = { LOVAGE_BROKER: redis?.url ?? `sqlite:${join(folder, "lovage.db")}`, BENCH_STORAGE: join(folder, "jobs") };
  /** @param {string} command @param {readonly string[]} args @param {RegExp} ready */
  const start = (command, args, ready) =>
    startProcess("taskset", ["-c", flags.cores, process.execPath, cli, command, "-A", own("contestants/jobs-app.mjs"), ...args], {
      env,
      ready,
    });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = await start("serve", ["--port", String(port)], /listens on/);
  const worker = await start("worker", ["-l", "warn", "-P", "processes", "-c", flags.workers], / ready\./);
  const poller = fork(own("contestants/jobs-poller.mjs"), [url, flags.rate]);
  try {
    await ended(url, (await upload(url)).job_id);
    const began = performance.now();
    const accepted = await Promise.all(
      Array.from({ length: Number(flags.jobs) }, async () => {
        const { job_id } = await upload(url);
        poller.send(job_id);
        return { id: job_id, at: performance.now() };
      }),
    );
    const uploadedMs = performance.now() - began;
    const views = [];
    for (const { id } of accepted) views.push(await ended(url, id));
    const tookMs = performance.now() - began;
    poller.send(null);
    const [{ latencies, refused }] = /** @type {[{ latencies: number[], refused: number }]} */ (
      /** @type {unknown} */ (await once(poller, "message"))
    );
    return describe(store, { views, uploadedMs, tookMs, latencies, refused });
  } finally {
    poller.kill();
    await worker.stop();
    await service.stop();
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/** @param {string} store @param {{ views: readonly any[], uploadedMs: number, tookMs: number, latencies: readonly number[], refused: number }} seen */
function describe(store, { views, uploadedMs, tookMs, latencies, refused }) {
  const complete = views.filter(({ status }) => status === "complete");
  const byUpload = [...complete].sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  const rank = new Map([...complete].sort((a, b) => a.result.startedAt - b.result.startedAt).map((view, i) => [view.job_id, i]));
  const largest = Math.max(...byUpload.map(({ job_id }, i) => Math.abs((rank.get(job_id) ?? 0) - i)));
  const ms = (/** @type {number} */ p) => `${percentile(latencies, p).toFixed(1)} ms`;
  return [
    `${store}: ${complete.length} of ${views.length} jobs complete, uploaded in ${(uploadedMs / 1000).toFixed(1)} s, done in ${(tookMs / 1000).toFixed(1)} s`,
    `  order: no job started more than ${largest} places from its upload's`,
    `  GET /status, ${latencies.length} times: p50 ${ms(0.5)}, p95 ${ms(0.95)}, p99 ${ms(0.99)}, most ${ms(1)}; ${refused} refused`,
  ].join("\n");
}

function pin(/** @type {number} */ pid, /** @type {string} */ cores) {
  execFileSync("taskset", ["-apc", cores, String(pid)], { stdio: "ignore" });
}

/** @param {string} url @returns {Promise<any>} */
function upload(url) {
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), png, Buffer.from("\r\n--b--\r\n")]);
  return call(`${url}/upload`, "POST", body);
}

/** @param {string} url @param {string} id @returns {Promise<any>} */
async function ended(url, id) {
  for (;;) {
    const view = await call(`${url}/status/${id}`, "GET");
    if (view.finished_at) return view;
    await sleep(100);
  }
}

/** @param {string} url @param {string} method @param {Buffer} [body] */
function call(url, method, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { "content-type": "multipart/form-data; boundary=b", "content-length": body.length } : {};
    const sent = request(url, { method, agent, headers }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${url}: ${response.statusCode} ${text}`));
      else resolve(JSON.parse(text));
    });
    sent.on("error", reject).end(body);
  });
}
