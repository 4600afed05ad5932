import { expect, it } from "vitest";
import { manualClock } from "./manual-clock.ts";

it("wakes sleepers in the order they fall due, each at its own time", async () => {
  const clock = manualClock(1_000);
  const seen: [string, number][] = [];
  const nap = async (name: string, ms: number) => {
    await clock.sleep(ms);
    seen.push([name, clock.now()]);
  };
  void nap("late", 30);
  void nap("early", 10);
  await clock.advance(40);
  expect(seen).toEqual([
    ["early", 1_010],
    ["late", 1_030],
  ]);
  expect(clock.now()).toBe(1_040);
});

it("runs a loop that sleeps again as often as it fits", async () => {
  const clock = manualClock();
  let turns = 0;
  void (async () => {
    for (;;) {
      await clock.sleep(10);
      turns += 1;
    }
  })();
  await clock.advance(35);
  expect(turns).toBe(3);
  expect(clock.sleeping).toBe(1);
});

it("rejects an aborted sleep with the signal's reason and forgets it", async () => {
  const clock = manualClock();
  const controller = new AbortController();
  const asleep = clock.sleep(10, controller.signal);
  controller.abort(new Error("enough"));
  await expect(asleep).rejects.toThrow("enough");
  await expect(clock.sleep(10, controller.signal)).rejects.toThrow("enough");
  expect(clock.sleeping).toBe(0);
});

it("steps the wall clock without touching durations", () => {
  const clock = manualClock(5_000);
  clock.step(-3_000);
  expect(clock.now()).toBe(2_000);
  expect(clock.monotonic()).toBe(0);
});
