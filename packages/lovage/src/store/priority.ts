/**
 * The bucket of a priority: the largest step that is not above it (celery-wire.md §1.3). 0 is the most urgent; what is no
 * number counts as 0, and the clamp to 0–9 touches the bucket only, never the message.
 */
export function bucketOf(priority: number, steps: readonly number[]): number {
  const wanted = Number.isFinite(priority) ? Math.min(9, Math.max(0, priority)) : 0;
  let bucket = steps[0] ?? 0;
  for (const step of steps) if (step <= wanted && step > bucket) bucket = step;
  return bucket;
}

/** The order in which a call looks at its queues: one further with each call number, so that none is always first. */
export function rotated<T>(queues: readonly T[], number: number): readonly T[] {
  const from = queues.length === 0 ? 0 : number % queues.length;
  return [...queues.slice(from), ...queues.slice(0, from)];
}
