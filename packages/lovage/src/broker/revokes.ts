/** Durable refusals: which tasks must not start, and must stop if they run. Versioned, so that "nothing new" costs nothing. */
export interface Revoke {
  readonly by: "id" | "root" | "stamp";
  /** An id, or the stamp as `stampText` writes it. */
  readonly value: string;
  /** Also stop a run: cooperatively, then by force after `killAfterMs`. Without it only tasks not yet started are refused. */
  readonly terminate: boolean;
  /** null: it is asked, and never killed. */
  readonly killAfterMs: number | null;
  /** Sent to the process of a run that is alone in it. Absent: none. */
  readonly signal?: string;
}

/** A revoke as the store keeps it. */
export interface KeptRevoke extends Revoke {
  /** Milliseconds of the store's clock. */
  readonly expiresAt: number;
}

/** Text that stands for what a revoke means, and for each thing that a message can be meant by: a message is meant if it has the same. */
export type RevokeKey = string;

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

const letters = { id: "i", root: "r", stamp: "s" } as const;
const kinds = { i: "id", r: "root", s: "stamp" } as const;

export const revokeKey = ({ by, value }: Pick<Revoke, "by" | "value">): RevokeKey => letters[by] + value;

export const readRevokeKey = (key: RevokeKey): Pick<Revoke, "by" | "value"> => ({
  by: kinds[key[0] as keyof typeof kinds],
  value: key.slice(1),
});

/** Of a stamp that is a list, each value is one. */
export function keysOf({ id, rootId, stamps }: Revocable): RevokeKey[] {
  const keys: RevokeKey[] = id === null ? [] : [`i${id}`];
  const root = rootId ?? id;
  if (root !== null) keys.push(`r${root}`);
  for (const name in stamps) {
    const found = stamps[name];
    for (const value of Array.isArray(found) ? (found as readonly unknown[]) : [found]) keys.push(`s${stampText(name, value)}`);
  }
  return keys;
}

/** Finds the revoke that means a message, at a cost that does not grow with their number. */
export function matcher<R extends Revoke>(revokes: readonly R[]): (what: Revocable) => R | undefined {
  const byKey = new Map(revokes.map((revoke) => [revokeKey(revoke), revoke]));
  return (what) => {
    for (const key of keysOf(what)) {
      const found = byKey.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

export interface RevokesPage {
  /** All up to this one are known now: ask for what came after it. */
  readonly version: number;
  /** The newest there is. */
  readonly latest: number;
  /** In the order in which they came, without those that have expired. */
  readonly revokes: readonly KeptRevoke[];
}

export interface Revokes {
  /**
   * Kept for `ttlMs` (at least as long as a message may wait). Announced on the bus channel `revokes`. Returns the new version.
   * What stops what runs is not taken back: a key that is revoked again without `terminate` keeps how it stood.
   */
  revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number>;
  /** What came after `version`, `limit` at most; `version` 0: all; `limit` 0: only what the newest version is. */
  since(version: number, limit: number): Promise<RevokesPage>;
  /** Per key, the newest revoke that stands. */
  standing(keys: readonly RevokeKey[]): Promise<readonly (KeptRevoke | undefined)[]>;
}

/** The revoke that stands for each message, one that stops what runs before others. Messages that none means are not in it. */
export async function standingFor<M extends Revocable>(revokes: Revokes, messages: readonly M[]): Promise<ReadonlyMap<M, KeptRevoke>> {
  const keys = messages.map(keysOf);
  const standing = (await revokes.standing(keys.flat())).values();
  const found = new Map<M, KeptRevoke>();
  for (const [i, message] of messages.entries()) {
    const own = (keys[i] ?? []).flatMap(() => standing.next().value ?? []);
    const first = own.find(({ terminate }) => terminate) ?? own[0];
    if (first !== undefined) found.set(message, first);
  }
  return found;
}
