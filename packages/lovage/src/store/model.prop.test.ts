import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type ModelStep, runAgainstModel } from "../testing/conformance/index.ts";
import { type ManualClock, manualClock } from "../testing/manual-clock.ts";
import { open as openMemory } from "./memory/index.ts";
import { open as openSqlite } from "./sqlite/index.ts";
import { defaultStoreOptions, type Store, type StoreOptions } from "./store.ts";

const small = fc.nat({ max: 3 });
const steps: fc.Arbitrary<ModelStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      queue: small,
      priority: fc.constantFrom(0, 1, 3, 9),
      parkMs: fc.constantFrom(0, 0, 0, 500),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("reserve" as const),
      runner: small,
      count: fc.nat({ max: 4 }),
      queues: fc.array(small, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      runner: small,
      pick: small,
      how: fc.constantFrom("ack", "front", "back", "park", "bury"),
      follow: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reserve again" as const), runner: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("commit again" as const), runner: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), runner: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("purge" as const), queue: small }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("promote" as const), afterMs: fc.constantFrom(0, 400, 2_000) }) },
);

async function check(open: (options: StoreOptions) => Promise<Store>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 40, size: "max" }), async (list) => {
      const clock: ManualClock = manualClock();
      const store = await open({ ...defaultStoreOptions, clock, onFault: (fault) => expect.fail(String(fault)) });
      try {
        await runAgainstModel(store, list, (ms) => clock.advance(ms));
      } finally {
        await store.close();
      }
    }),
    { numRuns },
  );
}

it("memory: holds after any steps what a model of it holds", () => check((options) => openMemory("memory:", options), 200));

it("sqlite: holds after any steps what a model of it holds", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lovage-model-"));
  let files = 0;
  try {
    await check((options) => {
      files += 1;
      return openSqlite(`sqlite://${folder}/model-${files}.db?synchronous=normal`, options);
    }, 40);
  } finally {
    await rm(folder, { recursive: true });
  }
});
