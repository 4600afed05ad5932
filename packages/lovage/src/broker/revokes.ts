/** Durable refusals: which tasks must not start, and must stop if they run. Versioned, so that "nothing new" costs nothing. */
export interface Revoke {
  readonly by: "id" | "root" | "stamp";
  /** An id, or the stamp as `stampText` writes it. */
  readonly value: string;
  /** Also stop a run: cooperatively, then by force after `killAfterMs`. Without it only tasks not yet started are refused. */
  readonly terminate: boolean;
  readonly killAfterMs: number;
}

/** A revoke has to outlive every message that it may meet. */
export const revokesKeptMs = 7 * 86_400_000;

/** Name and one value of a stamp: 1234 and "1234" differ, as they do in Celery. */
export const stampText = (name: string, value: unknown): string => JSON.stringify([name, value]);

/** What a message can be revoked by. */
export interface Revocable {
  readonly id: string | null;
  readonly rootId: string | null;
  readonly stamps: Readonly<Record<string, unknown>>;
}

/** Whether a revoke means this message: a stamp that is a list by any of its values. */
export function isMeant({ id, rootId, stamps }: Revocable, { by, value }: Pick<Revoke, "by" | "value">): boolean {
  if (by === "id") return id === value;
  if (by === "root") return (rootId ?? id) === value;
  return stampTexts(stamps).includes(value);
}

export function stampTexts(stamps: Revocable["stamps"]): readonly string[] {
  return Object.entries(stamps).flatMap(([name, found]) =>
    (Array.isArray(found) ? (found as readonly unknown[]) : [found]).map((value) => stampText(name, value)),
  );
}

export interface Revokes {
  /** Kept for `ttlMs` (at least as long as a message may wait). Announced on the bus channel `revokes`. Returns the new version. */
  revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number>;
  /** All that came after `version` and has not expired; `version` 0: all. */
  since(version: number): Promise<{ readonly version: number; readonly revokes: readonly Revoke[] }>;
}
