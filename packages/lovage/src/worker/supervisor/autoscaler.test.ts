import { expect, it } from "vitest";
import { silentLogger } from "../../kernel/logger.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { Autoscaler } from "./autoscaler.ts";
import type { PoolSize } from "./pool-size.ts";

function scaler(max: number, min: number) {
  const clock = manualClock();
  const sizes: number[] = [];
  let asked = 0;
  const now = { running: 0, waiting: 0 };
  const size = {
    capacity: min,
    check(capacity: number) {
      if (capacity > 1000) throw new Error("too large");
    },
    async resize(capacity: number) {
      if (capacity === size.capacity) return;
      size.capacity = capacity;
      sizes.push(capacity);
    },
  };
  const autoscaler = new Autoscaler({
    range: { max, min },
    keepAliveMs: 30_000,
    size: size as unknown as PoolSize,
    clock,
    log: silentLogger,
    workload: {
      running: async () => now.running,
      waiting: async () => {
        asked += 1;
        return now.waiting;
      },
    },
  });
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) await clock.advance(1000);
  };
  return { autoscaler, sizes, now, pass, asked: () => asked };
}

it("grows by what waits while all is busy, up to its maximum, and asks the store only then", async () => {
  const { autoscaler, sizes, now, pass, asked } = scaler(8, 2);
  await autoscaler.service.start();
  now.waiting = 3;
  now.running = 1;
  await pass(5);
  expect([sizes, asked()]).toEqual([[], 0]);
  now.running = 2;
  await pass(1);
  now.running = 5;
  now.waiting = 100;
  await pass(1);
  expect(sizes).toEqual([5, 8]);
  now.running = 8;
  await pass(5);
  expect([sizes, asked()]).toEqual([[5, 8], 2]);
  await autoscaler.service.stop({ mode: "warm", graceMs: 0 });
});

it("shrinks to what was needed at most, once the rest was not for a while", async () => {
  const { autoscaler, sizes, now, pass } = scaler(8, 2);
  await autoscaler.service.start();
  now.running = 2;
  now.waiting = 6;
  await pass(1);
  now.running = 8;
  await pass(3);
  now.running = 1;
  await pass(10);
  now.running = 4;
  await pass(10);
  now.running = 0;
  await pass(9);
  expect(sizes).toEqual([8]);
  await pass(3);
  expect(sizes).toEqual([8, 4]);
  await pass(32);
  expect(sizes).toEqual([8, 4, 2]);
  await autoscaler.service.stop({ mode: "warm", graceMs: 0 });
});

it("takes another range, and goes into it at once", async () => {
  const { autoscaler, sizes } = scaler(8, 2);
  expect(await autoscaler.update({ min: 4 })).toEqual({ max: 8, min: 4 });
  expect(await autoscaler.update({ max: 3 })).toEqual({ max: 3, min: 3 });
  expect(sizes).toEqual([4, 3]);
  await expect(autoscaler.update({ max: 1001 })).rejects.toThrow("too large");
  expect(autoscaler.range).toEqual({ max: 3, min: 3 });
});
