import { alive, type Kept, type Space, type View } from "./world.ts";

const sweepEveryMs = 60_000;

/** Drops what has expired. Reads never depend on it; it only gives memory back. */
export function sweep(view: View): void {
  const now = view.now();
  if (Math.abs(now - view.space.sweptAt) < sweepEveryMs) return;
  view.space.sweptAt = now;
  const { results, space } = view;
  for (const kept of [results.documents, results.groups, results.chords, space.documents, space.logs, space.uniques])
    dropExpired(kept, now);
  dropIdleLimits(space, now);
  const revokes = space.revokes.filter((revoke) => alive(revoke, now));
  space.revokes.splice(0, space.revokes.length, ...revokes);
}

function dropExpired(kept: Map<string, Pick<Kept<unknown>, "expiresAt">>, now: number): void {
  for (const [key, value] of kept) if (!alive(value, now)) kept.delete(key);
}

function dropIdleLimits({ limits, called }: Space, now: number): void {
  for (const [name, limit] of limits) {
    for (const [taskId, untilMs] of limit.called) {
      if (untilMs > now) continue;
      limit.called.delete(taskId);
      called.delete(taskId);
    }
    if (limit.held.size + limit.line.length + limit.called.size === 0 && limit.nextMs < now) limits.delete(name);
  }
}
