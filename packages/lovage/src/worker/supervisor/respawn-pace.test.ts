import { expect, it } from "vitest";
import { RespawnPace } from "./respawn-pace.ts";

it("replaces a runner that died in the middle of work at once", () => {
  expect(new RespawnPace().died(true, 0)).toBe(0);
});

it("spreads out a burst of deaths, each replaced within 2 s", () => {
  const pace = new RespawnPace();
  const pauses = Array.from({ length: 30 }, (_, i) => pace.died(true, i * 10));
  expect(pauses.slice(0, 10).every((pause) => pause === 0)).toBe(true);
  expect(Math.max(...pauses)).toBe(500);
  expect(pace.died(true, 60_000)).toBe(0);
});

it("counts threads that die with their process once", () => {
  const pace = new RespawnPace();
  const pauses = Array.from({ length: 30 }, (_, i) => pace.died(true, i, Math.floor(i / 4)));
  expect(pauses).toEqual(Array(30).fill(0));
});

it("slows down while runners die before they are ready, and forgets it when one is", () => {
  const pace = new RespawnPace();
  const pauses = Array.from({ length: 10 }, (_, i) => pace.died(false, i));
  expect(pauses.slice(0, 4)).toEqual([200, 400, 800, 1600]);
  expect(pauses[9]).toBe(30_000);
  pace.ready();
  expect(pace.died(false, 11)).toBe(200);
});
