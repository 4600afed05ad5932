/**
 * The keys of all revokes in little memory, once for all runners of a process: Bloom filters in shared memory, 3 bytes for each key.
 * What it does not have is not revoked; what it seems to have may be (one in tens of thousands is not), so whoever asks has to
 * look into the store. It is made of blocks: one is filled, then the next, and used again when the last of its keys has expired.
 * Any of the runners may add at any time (bits are only ever set), and what they set stands before the version that says so.
 */
import type { RevokeKey } from "../../broker/revokes.ts";
import { newSharedMemory } from "../../pool/shared-memory.ts";

const bitsPerKey = 24;
const hashes = 10;
const keysPerBlock = 65_536;
const wordsPerBlock = (keysPerBlock * bitsPerKey) / 32;
const blockBytes = wordsPerBlock * 4;
/** Room for 16 million keys. More of them make the last block answer "maybe" more often: the store is asked, memory does not grow. */
const mostBlocks = 256;

/** Of the header, in words of 4 bytes: whose turn it is to read the list, a count of publications, blocks in use, the one being filled. */
const [turnWord, publishedWord, blocksWord, openWord] = [0, 1, 2, 3];
/** In words of 8 bytes: the version; then for each block when its last key expires; behind these, how many keys each has. */
const [versionDouble, firstExpiryDouble] = [2, 3];
const firstTakenWord = (firstExpiryDouble + mostBlocks) * 2;
const headerBytes = (firstTakenWord + mostBlocks) * 4;

export class RevokeFilter {
  readonly #memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  /** As long as the memory is. */
  readonly #bits: Int32Array;

  /** `memory`: of a process, and for nothing else. */
  constructor(memory: SharedArrayBuffer = newSharedMemory()) {
    this.#memory = memory;
    if (memory.byteLength < headerBytes) memory.grow(headerBytes);
    this.#words = new Int32Array(memory, 0, headerBytes / 4);
    this.#doubles = new Float64Array(memory, 0, firstTakenWord / 2);
    this.#bits = new Int32Array(memory, headerBytes);
  }

  /** All keys up to this one are here. */
  get version(): number {
    Atomics.load(this.#words, publishedWord);
    return this.#doubles[versionDouble] as number;
  }

  /** After they were added. */
  publish(version: number): void {
    this.#doubles[versionDouble] = version;
    Atomics.add(this.#words, publishedWord, 1);
  }

  get bytes(): number {
    return this.#memory.byteLength;
  }

  /** Times are milliseconds of the store's clock. */
  add(key: RevokeKey, expiresAt: number, now: number): void {
    const block = this.#open(now);
    const [first, step] = hashed(key);
    for (let i = 0; i < hashes; i++) {
      const bit = (first + i * step) % (wordsPerBlock * 32);
      Atomics.or(this.#bits, block * wordsPerBlock + (bit >>> 5), 1 << (bit & 31));
    }
    Atomics.add(this.#words, firstTakenWord + block, 1);
    const expiry = firstExpiryDouble + block;
    this.#doubles[expiry] = Math.max(this.#doubles[expiry] as number, expiresAt);
  }

  isEmpty(now: number): boolean {
    for (let block = this.#blocks - 1; block >= 0; block--) if (this.#isAlive(block, now)) return false;
    return true;
  }

  mayHave(key: RevokeKey, now: number): boolean {
    const [first, step] = hashed(key);
    for (let block = this.#blocks - 1; block >= 0; block--) if (this.#isAlive(block, now) && this.#hasAll(block, first, step)) return true;
    return false;
  }

  /** Who reads the list for all: a number that nobody else has; 0: nobody. */
  get turn(): number {
    return Atomics.load(this.#words, turnWord);
  }

  /** False: it is not `from`'s any more. */
  passTurn(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, turnWord, from, to) === from;
  }

  get #blocks(): number {
    return Atomics.load(this.#words, blocksWord);
  }

  #hasAll(block: number, first: number, step: number): boolean {
    for (let i = 0; i < hashes; i++) {
      const bit = (first + i * step) % (wordsPerBlock * 32);
      if (((this.#bits[block * wordsPerBlock + (bit >>> 5)] as number) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  #isAlive(block: number, now: number): boolean {
    return (this.#doubles[firstExpiryDouble + block] as number) > now;
  }

  /** The block to fill: the same as long as it has room, then one whose keys have expired, then a new one. */
  #open(now: number): number {
    const blocks = this.#blocks;
    const open = Atomics.load(this.#words, openWord);
    if (blocks > 0 && Atomics.load(this.#words, firstTakenWord + open) < keysPerBlock) return open;
    let next = 0;
    while (next < blocks && this.#isAlive(next, now)) next++;
    if (next < blocks) this.#clear(next);
    else if (!this.#grow(next)) return open;
    Atomics.store(this.#words, openWord, next);
    return next;
  }

  #grow(block: number): boolean {
    const bytes = headerBytes + (block + 1) * blockBytes;
    if (block === mostBlocks || bytes > this.#memory.maxByteLength) return false;
    this.#memory.grow(bytes);
    Atomics.store(this.#words, blocksWord, block + 1);
    return true;
  }

  #clear(block: number): void {
    this.#bits.fill(0, block * wordsPerBlock, (block + 1) * wordsPerBlock);
    Atomics.store(this.#words, firstTakenWord + block, 0);
  }
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
