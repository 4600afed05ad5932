import {
  type KeptRevoke,
  type Revoke,
  type RevokeKey,
  type Revokes,
  type RevokesPage,
  readRevokeKey,
  revokeKey,
} from "../../broker/revokes.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asList, asNumber, asText } from "./reply.ts";
import { revokeScript } from "./scripts/revoke.ts";
import { revokesSinceScript } from "./scripts/revokes-since.ts";
import { revokesStandingScript } from "./scripts/revokes-standing.ts";

/** Of one script call: it holds up everybody else's. */
const sliceSize = 1000;

/**
 * Durable refusals on Redis: a stream in the order in which they came, and a hash that says where in it a key stands. Both
 * together take about 165 bytes for each (`npm run bench:revokes`).
 */
export class RedisRevokes implements Revokes {
  readonly #link: Link;
  readonly #names: readonly string[];
  readonly #channel: string;

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#names = [keys.revokesVersion, keys.revokes, keys.revokesPlaces];
    this.#channel = keys.channel("revokes");
  }

  async revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number> {
    let version = 0;
    for (let i = 0; i === 0 || i < revokes.length; i += sliceSize) {
      const args = revokes.slice(i, i + sliceSize).flatMap((revoke) => [howText(revoke), revokeKey(revoke)]);
      version = asNumber(await this.#link.run(revokeScript, this.#names, [String(Math.ceil(ttlMs)), this.#channel, ...args]));
    }
    return version;
  }

  async since(version: number, limit: number): Promise<RevokesPage> {
    const reply = await this.#link.run(revokesSinceScript, this.#names, [String(version), String(limit)]);
    const [latest, upTo, now, entries] = asList(reply);
    const revokes = asList(entries).map((entry) => readEntry(asText(entry)));
    const standsAt = asNumber(now);
    return { version: asNumber(upTo), latest: asNumber(latest), revokes: revokes.filter(({ expiresAt }) => expiresAt > standsAt) };
  }

  async standing(keys: readonly RevokeKey[]): Promise<readonly (KeptRevoke | undefined)[]> {
    const found: (KeptRevoke | undefined)[] = [];
    for (let i = 0; i < keys.length; i += sliceSize) {
      const entries = asList(await this.#link.run(revokesStandingScript, this.#names.slice(1), keys.slice(i, i + sliceSize)));
      for (const entry of entries.map(asText)) found.push(entry === "" ? undefined : readEntry(entry));
    }
    return found;
  }
}

/** One word: `-`, or how long the run has, and the signal. */
const howText = ({ terminate, killAfterMs, signal }: Revoke): string =>
  terminate ? `${killAfterMs ?? "never"}${signal === undefined ? "" : `:${signal}`}` : "-";

/** `<expires at, ms> <how> <key>`. Cut by hand: a million of them are read at a time, and what is thrown away must stay little. */
function readEntry(entry: string): KeptRevoke {
  const [first, second] = [entry.indexOf(" "), entry.indexOf(" ", entry.indexOf(" ") + 1)];
  const how = entry.slice(first + 1, second);
  const { by, value } = readRevokeKey(entry.slice(second + 1));
  const expiresAt = Number(entry.slice(0, first));
  if (how === "-") return { by, value, expiresAt, terminate: false, killAfterMs: 0 };
  const colon = how.indexOf(":");
  const killAfter = colon < 0 ? how : how.slice(0, colon);
  const killAfterMs = killAfter === "never" ? null : Number(killAfter);
  if (colon < 0) return { by, value, expiresAt, terminate: true, killAfterMs };
  return { by, value, expiresAt, terminate: true, killAfterMs, signal: how.slice(colon + 1) };
}
