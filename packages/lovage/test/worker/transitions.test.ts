import type { SeenTransition } from "lovage";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Bench } from "./node.ts";
import { waitFor } from "./wait-for.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.close();
});

/** Reads on until there are so many, then goes away. */
async function seen(count: number, after: string): Promise<readonly SeenTransition[]> {
  const away = new AbortController();
  const found: SeenTransition[] = [];
  const late = setTimeout(() => away.abort(), 20_000);
  for await (const transition of bench.app.transitions({ after, signal: away.signal })) {
    if (found.push(transition) === count) break;
  }
  clearTimeout(late);
  return found;
}
const told = (transitions: readonly SeenTransition[]) => transitions.map(({ taskId, state }) => `${taskId} ${state}`).sort();

it("tells a reader that was away all that became true meanwhile, deaths over a runner's head too", { timeout: 60_000 }, async () => {
  vi.stubEnv("LOVAGE_TRANSITIONS_KEPT", "50");
  const file = bench.file();
  const node = await bench.node({ pool: "processes", concurrency: 2 }).ready();
  const first = await bench.app.send("t.add", [1, 2]);
  const [before] = await seen(1, "");
  expect(before).toMatchObject({ taskId: first.id, task: "t.add", state: "SUCCESS", node: node.name, queue: "celery", missed: false });

  const failed = await bench.app.send("t.fail", ["no"]);
  const looping = await bench.app.send("t.shortLoop", [file]);
  await Promise.allSettled([failed, looping].map((result) => result.get({ timeoutMs: 20_000 })));
  const meanwhile = await seen(2, before?.id ?? "");
  expect(told(meanwhile)).toEqual([`${failed.id} FAILURE`, `${looping.id} FAILURE`].sort());

  // More than is kept: it is said that something is gone.
  await Promise.all(Array.from({ length: 120 }, () => bench.app.send("t.add", [1, 1])));
  await waitFor("all of them", async () => (await bench.depth()) === 0, 20_000);
  const [next] = await seen(1, before?.id ?? "");
  expect(next?.missed).toBe(true);
});

it("costs nothing where it was not asked for: nothing is written", { timeout: 60_000 }, async () => {
  await bench.node().ready();
  await (await bench.app.send("t.add", [1, 2])).get({ timeoutMs: 20_000 });
  expect(await (await bench.app.store()).state.tail("transitions", 5)).toEqual([]);
});
