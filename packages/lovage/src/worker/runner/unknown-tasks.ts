/**
 * How long a message with a name that nobody here knows waits for somebody who does: a deploy may be under way. It is parked
 * for 1, 2, 4 … 60 s, counted in the message itself, and given up after 10 minutes altogether, unless some live node knows it: then it waits on.
 */
const firstMs = 1000;
export const unknownTaskLongestMs = 60_000;
const altogetherMs = 600_000;

const delayMs = (times: number): number => Math.min(unknownTaskLongestMs, firstMs * 2 ** Math.min(times, 30));

/** Milliseconds to wait after it was unknown `times` times before; null: give it up. */
export function unknownTaskDelayMs(times: number): number | null {
  let waited = 0;
  for (let time = 0; time < times; time++) {
    waited += delayMs(time);
    if (waited >= altogetherMs) return null;
  }
  return delayMs(times);
}
