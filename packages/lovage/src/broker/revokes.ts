/** Durable refusals: which tasks must not start, and must stop if they run. Versioned, so that "nothing new" costs nothing. */
export interface Revoke {
  readonly by: "id" | "root";
  readonly value: string;
  /** Also stop a run: cooperatively, then by force after `killAfterMs`. Without it only tasks not yet started are refused. */
  readonly terminate: boolean;
  readonly killAfterMs: number;
}

export interface Revokes {
  /** Kept for `ttlMs` (at least as long as a message may wait). Announced on the bus channel `revokes`. Returns the new version. */
  revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number>;
  /** All that came after `version` and has not expired; `version` 0: all. */
  since(version: number): Promise<{ readonly version: number; readonly revokes: readonly Revoke[] }>;
}
