// A receiver of events beside the bench: started, asked for its counts, stopped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const script = new URL("../contestants/events-listener.mjs", import.meta.url).pathname;

/** Resolves when `nodes` nodes have answered it that they are there: from then on it misses nothing of theirs. */
export async function startListener(url, nodes) {
  const child = spawn(process.execPath, [script], { env: { ...process.env, REDIS_URL: url }, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  await once(lines, "line");
  /** @returns {Promise<Record<string, number>>} */
  const counts = async () => {
    const line = once(lines, "line");
    child.stdin.write("\n");
    return JSON.parse((await line)[0]);
  };
  while (((await counts())["worker-heartbeat"] ?? 0) < nodes) await sleep(50);
  return {
    counts,
    async stop() {
      const exited = once(child, "exit");
      child.stdin.end();
      await exited;
    },
  };
}
