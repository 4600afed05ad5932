import type { Bus } from "../../broker/bus.ts";
import type { Revoke, Revokes } from "../../broker/revokes.ts";
import { alive, type View } from "./world.ts";

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
    space.revokesVersion += 1;
    for (const value of revokes) space.revokes.push({ value, expiresAt, version: space.revokesVersion });
    await this.#bus.publish("revokes", String(space.revokesVersion));
    return space.revokesVersion;
  }

  async since(version: number): Promise<{ readonly version: number; readonly revokes: readonly Revoke[] }> {
    const { space } = this.#view;
    const now = this.#view.now();
    const fresh = space.revokes.filter((revoke) => revoke.version > version && alive(revoke, now));
    return { version: space.revokesVersion, revokes: fresh.map((revoke) => revoke.value) };
  }
}
