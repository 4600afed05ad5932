import { expect, it } from "vitest";
import { LamportClock } from "./lamport-clock.ts";

it("grows by one with each message sent, and beyond what it hears", () => {
  const clock = new LamportClock();
  expect([clock.value, clock.forward(), clock.forward()]).toEqual([0, 1, 2]);
  expect([clock.adjust(40), clock.forward(), clock.adjust(7), clock.adjust(0), clock.adjust(Number.NaN)]).toEqual([41, 42, 43, 44, 45]);
});

it("two clocks of one node put what one says after the other last, however much each has said", () => {
  const startedAt = Date.now() - 5000;
  const [busy, idle] = [new LamportClock(startedAt), new LamportClock(startedAt)];
  for (let said = 0; said < 10_000; said++) busy.forward();
  const last = busy.forward();
  const until = performance.now() + 200; // 10 000 messages are counted as 100 ms at most
  while (performance.now() < until);
  expect(idle.forward()).toBeGreaterThan(last);
  expect(idle.adjust(10 ** 12)).toBe(10 ** 12 + 1);
});
