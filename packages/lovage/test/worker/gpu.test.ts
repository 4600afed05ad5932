import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

const app = fileURLToPath(new URL("./fixtures/gpu-app.mjs", import.meta.url));

interface Ran {
  readonly pid: number;
  readonly device: string;
  readonly loads: number;
}

it("gives each runner one device and one model; a crash renews its own slot alone, on the same device", { timeout: 60_000 }, async () => {
  const bench = new Bench();
  try {
    const node = await bench.node({ app, pool: "processes", concurrency: 2, gpus: ["4", "GPU-7"] }).ready();
    const run = async (count: number): Promise<Map<string, Ran>> => {
      const sent = await Promise.all(Array.from({ length: count }, () => bench.app.send("gpu.infer", [bench.file(), 50])));
      const ran = (await Promise.all(sent.map((result) => result.get({ timeoutMs: 20_000 })))) as readonly Ran[];
      // Of one process each device: the last of its words.
      expect(new Map(ran.map(({ pid, device }) => [pid, device])).size).toBe(new Set(ran.map(({ device }) => device)).size);
      return new Map(ran.map((one) => [one.device, one]));
    };
    const before = await run(30);
    expect([...before.keys()].sort()).toEqual(["4", "GPU-7"]);
    expect([...before.values()].map(({ loads }) => loads)).toEqual([1, 1]);
    process.kill(before.get("4")?.pid as number, "SIGKILL");
    await waitFor("the replacement", () => node.logged("runner.ready").length === 3);
    const after = await run(30);
    expect(after.get("GPU-7")).toEqual(before.get("GPU-7"));
    expect(after.get("4")).toMatchObject({ device: "4", loads: 1 });
    expect(after.get("4")?.pid).not.toBe(before.get("4")?.pid);
  } finally {
    await bench.close();
  }
});

it("lets go of the model before the next runner loads it, when a runner is renewed", { timeout: 60_000 }, async () => {
  const bench = new Bench();
  try {
    await bench.node({ app, pool: "solo", gpus: ["0"], maxTasksPerChild: 50 }).ready();
    const diary = bench.file();
    const sent = await Promise.all(Array.from({ length: 101 }, () => bench.app.send("gpu.infer", [diary, 0])));
    const ran = (await Promise.all(sent.map((result) => result.get({ timeoutMs: 20_000 })))) as readonly Ran[];
    const byPid = new Map<number, Ran[]>();
    for (const one of ran) byPid.set(one.pid, [...(byPid.get(one.pid) ?? []), one]);
    expect([...byPid.values()].map((ones) => ones.length)).toEqual([50, 50, 1]);
    expect(ran.every(({ device, loads }) => device === "0" && loads === 1)).toBe(true);
    expect(bench.lines(diary)).toEqual(["0 closed", "0 closed"]);
  } finally {
    await bench.close();
  }
});
