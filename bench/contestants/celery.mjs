// Real Celery: Debian's by default, another where BENCH_PYTHON names an interpreter that has it. Null when there is none.
import { spawnSync } from "node:child_process";
import { runForJson, startProcess } from "../lib/process.mjs";

const folder = new URL(".", import.meta.url).pathname;
const python = process.env.BENCH_PYTHON ?? "/usr/bin/python3";

export function celery(redis, fillQueue) {
  const probe = spawnSync(python, ["-c", "import celery; print(celery.__version__)"], { encoding: "utf8" });
  if (probe.status !== 0) return null;
  const env = { BENCH_REDIS: redis.url, PYTHONDONTWRITEBYTECODE: "1" };
  const client = (what, count) => runForJson(python, ["celery_client.py", what, String(count)], { env, cwd: folder });
  return {
    name: `Celery ${probe.stdout.trim()}`,
    version: probe.stdout.trim(),
    fill: fillQueue,
    waiting: () => redis.client.llen("celery"),
    ended: () => countResults(redis),
    startWorkers: ({ concurrency }) =>
      startProcess(python, ["-m", "celery", "-A", "celery_app", "worker", "-P", "prefork", "-c", String(concurrency), "-l", "info"], {
        env,
        cwd: folder,
        ready: /ready\./,
      }),
    oneByOneRate: (count) => client("one-by-one", count),
    bulkRate: (count) => client("bulk", count),
    roundTrips: (count) => client("round-trips", count),
    fanIn: (count) => client("fan-in", count),
  };
}

/** Kept results of Celery's kind, counted without listing them: every key that is not one of the few others. */
export async function countResults(redis) {
  const [others, ours, all] = await Promise.all([redis.client.keys("_kombu*"), redis.client.keys("lovage:*"), redis.client.dbsize()]);
  const waiting = await redis.client.exists("celery");
  return all - others.length - ours.length - waiting;
}
