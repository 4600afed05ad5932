import type { Revoke, Revokes } from "../../broker/revokes.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asList, asNumber, asText } from "./reply.ts";
import { revokeScript } from "./scripts/revoke.ts";
import { revokesSinceScript } from "./scripts/revokes-since.ts";

/** Durable refusals on Redis: a version, and what came under each, until it expires. */
export class RedisRevokes implements Revokes {
  readonly #link: Link;
  readonly #keys: Keys;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  #names(): readonly string[] {
    const { revokesVersion, revokes, revokesExpiry } = this.#keys;
    return [revokesVersion, revokes, revokesExpiry];
  }

  async revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number> {
    const args = [String(Math.ceil(ttlMs)), this.#keys.channel("revokes"), ...revokes.map((revoke) => JSON.stringify(revoke))];
    return asNumber(await this.#link.run(revokeScript, this.#names(), args));
  }

  async since(version: number): Promise<{ readonly version: number; readonly revokes: readonly Revoke[] }> {
    const [latest, members] = asList(await this.#link.run(revokesSinceScript, this.#names(), [String(version)]));
    const revokes = asList(members).map((member) => JSON.parse(asText(member).replace(/^\d+ \d+ /, "")) as Revoke);
    return { version: asNumber(latest), revokes };
  }
}
