/**
 * The keys of all revokes in little memory: Bloom filters, 3 bytes for each key. What it does not have is not revoked; what it
 * seems to have may be (one in tens of thousands is not), so whoever asks has to look into the store. A filter is filled once
 * and dropped whole, when the last of its keys has expired.
 */
import type { RevokeKey } from "../../broker/revokes.ts";

const bitsPerKey = 24;
const hashes = 10;
/** Keys of the first filter; each is twice as large as the one before it, up to the largest. */
const [firstRoom, largestRoom] = [1024, 131_072];

interface Filter {
  readonly bits: Uint32Array;
  readonly room: number;
  taken: number;
  /** Milliseconds of the store's clock. */
  expiresAt: number;
}

export class RevokeFilter {
  #filters: Filter[] = [];

  get isEmpty(): boolean {
    return this.#filters.length === 0;
  }

  get bytes(): number {
    return this.#filters.reduce((sum, { bits }) => sum + bits.byteLength, 0);
  }

  add(key: RevokeKey, expiresAt: number): void {
    const filter = this.#open();
    filter.taken += 1;
    filter.expiresAt = Math.max(filter.expiresAt, expiresAt);
    const [first, step] = hashed(key);
    const size = filter.bits.length * 32;
    for (let i = 0; i < hashes; i++) {
      const bit = (first + i * step) % size;
      filter.bits[bit >>> 5] = (filter.bits[bit >>> 5] as number) | (1 << (bit & 31));
    }
  }

  mayHave(key: RevokeKey): boolean {
    const [first, step] = hashed(key);
    return this.#filters.some(({ bits }) => hasAll(bits, first, step));
  }

  /** `now`: milliseconds of the store's clock. */
  dropExpired(now: number): void {
    if (this.#filters.some(({ expiresAt }) => expiresAt <= now)) this.#filters = this.#filters.filter(({ expiresAt }) => expiresAt > now);
  }

  #open(): Filter {
    const last = this.#filters.at(-1);
    if (last !== undefined && last.taken < last.room) return last;
    const room = last === undefined ? firstRoom : Math.min(largestRoom, 2 * last.room);
    const filter: Filter = { bits: new Uint32Array((room * bitsPerKey) / 32), room, taken: 0, expiresAt: 0 };
    this.#filters.push(filter);
    return filter;
  }
}

function hasAll(bits: Uint32Array, first: number, step: number): boolean {
  const size = bits.length * 32;
  for (let i = 0; i < hashes; i++) {
    const bit = (first + i * step) % size;
    if (((bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

/** Two hashes of 32 bits (FNV-1a, each with murmur's last mix): all others of a key are made of them. */
function hashed(key: string): readonly [number, number] {
  let [one, other] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x85ebca6b);
  }
  return [mixed(one), (mixed(other) | 1) >>> 0];
}

function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
