import type { Bus } from "../../broker/bus.ts";
import { type KeptRevoke, type Revoke, type RevokeKey, type Revokes, type RevokesPage, revokeKey } from "../../broker/revokes.ts";
import type { View } from "./world.ts";

export class MemoryRevokes implements Revokes {
  readonly #view: View;
  readonly #bus: Bus;

  constructor(view: View, bus: Bus) {
    this.#view = view;
    this.#bus = bus;
  }

  async revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number> {
    const { space } = this.#view;
    const expiresAt = this.#view.now() + ttlMs;
    const standing = this.#standing();
    for (const revoke of revokes) {
      space.revokesVersion += 1;
      const stood = revoke.terminate ? undefined : standing.get(revokeKey(revoke));
      space.revokes.push({ value: { ...revoke, ...stood, expiresAt }, expiresAt, version: space.revokesVersion });
    }
    await this.#bus.publish("revokes", String(space.revokesVersion));
    return space.revokesVersion;
  }

  async since(version: number, limit: number): Promise<RevokesPage> {
    const { revokes, revokesVersion: latest } = this.#view.space;
    if (limit === 0) return { version, latest, revokes: [] };
    const found = revokes.filter((revoke) => revoke.version > version).slice(0, limit);
    const upTo = found.length === limit ? (found.at(-1)?.version ?? latest) : latest;
    return { version: upTo, latest, revokes: this.#alive(found.map(({ value }) => value)) };
  }

  async standing(keys: readonly RevokeKey[]): Promise<readonly (KeptRevoke | undefined)[]> {
    const standing = this.#standing();
    return keys.map((key) => standing.get(key));
  }

  /** The newest of each key. */
  #standing(): ReadonlyMap<RevokeKey, KeptRevoke> {
    return new Map(this.#alive(this.#view.space.revokes.map(({ value }) => value)).map((revoke) => [revokeKey(revoke), revoke]));
  }

  #alive(revokes: readonly KeptRevoke[]): readonly KeptRevoke[] {
    const now = this.#view.now();
    return revokes.filter(({ expiresAt }) => expiresAt > now);
  }
}
