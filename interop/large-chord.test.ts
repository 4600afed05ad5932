// A chord of 5,000 members on Redis: its keys grow with its members, and its body runs once.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chord, remoteTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

const add = remoteTask<[x: number, y: number], number>("ts.add");
const note = remoteTask<[values: readonly number[], file: string], number>("ts.note");
const patient = { timeoutMs: 60_000 };

describe.skipIf(skipped)("a large chord", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    [python] = await Promise.all([site.python(), site.lovageWorker("ts", "-Q", "ts", "-P", "async")]);
  });
  afterAll(() => site?.close());

  it("has five times the bytes of one a fifth of its size, and one body", async () => {
    // The last member waits where nobody looks, so that all other parts stand in Redis.
    const held = async (size: number) => {
      const members = Array.from({ length: size - 1 }, (_, i) => add.s(i, 0));
      const file = join(site.folder, `bodies-${size}`);
      const result = await chord([...members, add.s(size - 1, 0).set({ queue: `late-${size}` })], note.s(file)).send(site.app);
      const key = `celery-taskset-meta-${result.parent?.id}`;
      await waitFor("all parts but one", async () => (await python.eval(`redis('ZCARD', given)`, `${key}.j`)) === size - 1, 60_000);
      const bytes = await python.eval<number>(
        "sum(redis('MEMORY', 'USAGE', given + end, 'SAMPLES', 0) or 0 for end in ('.j', '.s', '.t'))",
        key,
      );
      return { size, file, result, bytes, key };
    };
    const small = await held(1000);
    const large = await held(5000);
    // Hash tables and skip lists grow in steps; anything quadratic would be at 25.
    expect(large.bytes / small.bytes).toBeGreaterThan(4);
    expect(large.bytes / small.bytes).toBeLessThan(6.5);

    await site.lovageWorker("late", "-Q", "late-1000,late-5000", "-P", "async");
    for (const { size, file, result, key } of [small, large]) {
      const total = (size * (size - 1)) / 2;
      expect(await result.get(patient)).toBe(total);
      expect(readFileSync(file, "utf8")).toBe(`${total} lovage\n`);
      expect(await python.eval("redis('EXISTS', given + '.j', given + '.s', given + '.t', given)", key)).toBe(0);
    }
  });
});
