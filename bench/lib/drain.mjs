// The steady rate of a worker over tasks that were queued before it started: from 95 % to 5 % of them still waiting.
import { setTimeout as sleep } from "node:timers/promises";

const sampleEveryMs = 5;

/**
 * `waiting()`: how many wait now. `ended()`: how many have a kept result. Resolves when all have.
 * @returns {{ perSecond: number, seconds: number }}
 */
export async function measureDrain(total, waiting, ended, deadlineMs = 120_000) {
  const samples = [];
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const left = await waiting();
    samples.push({ at: performance.now(), left });
    if (left === 0) break;
    if (performance.now() > deadline) throw new Error(`${left} of ${total} tasks still wait after ${deadlineMs / 1000} s`);
    await sleep(sampleEveryMs);
  }
  while ((await ended()) < total) {
    if (performance.now() > deadline) throw new Error(`only ${await ended()} of ${total} results after ${deadlineMs / 1000} s`);
    await sleep(20);
  }
  const from = crossing(samples, total * 0.95);
  const to = crossing(samples, total * 0.05);
  return { perSecond: (total * 0.9) / ((to - from) / 1000), seconds: (to - from) / 1000 };
}

/** When the curve went below `level`, between the two samples around it. */
function crossing(samples, level) {
  const i = samples.findIndex(({ left }) => left <= level);
  const [before, after] = [samples[Math.max(0, i - 1)], samples[i]];
  if (before.left === after.left) return after.at;
  return before.at + ((before.left - level) / (before.left - after.left)) * (after.at - before.at);
}
