// Round trips at low load: one at a time, 5 ms of rest between two. Both contestants' workers are up and take turns, a slice
// each: from one half minute to the next the machine changes more than the contestants differ.
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "./statistics.mjs";

const slices = 10;
/** Round trips each before the first that counts: at one call each per task, V8 compiles most of a worker's code only after a thousand. */
const warmUp = 2000;

/** Contestants whose workers are up, by name; p50 and p99 of `count` round trips each, milliseconds. */
export async function measureLatencies(contestants, count) {
  for (const one of contestants) await one.roundTrips(warmUp, () => undefined);
  const times = new Map(contestants.map(({ name }) => [name, []]));
  for (let i = 0; i < slices; i++) {
    for (const one of contestants) times.get(one.name).push(...(await one.roundTrips(Math.ceil(count / slices), () => sleep(5))));
  }
  return new Map([...times].map(([name, all]) => [name, latencies(all)]));
}

export const latencies = (times) => ({ p50: percentile(times, 0.5), p99: percentile(times, 0.99) });
