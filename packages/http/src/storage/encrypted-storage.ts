/**
 * Another storage whose objects are encrypted on their way. Keys of objects and about their sizes stay readable; whoever can
 * write there can remove objects, or put back an older one under its own name, but not change what one says.
 */
import { pipeline, Readable, type Transform } from "node:stream";
import { buffer } from "node:stream/consumers";
import { chunkBytes, chunksOf, headerBytes, ObjectCipher, plainBytes, sealedChunkBytes } from "./encryption-format.ts";
import { checkEncryptionKeys, type EncryptionKey } from "./encryption-keys.ts";
import { sealing, unsealing } from "./encryption-streams.ts";
import type { ByteRange, JobStorage, PutOptions, StorageKey, StoredObject } from "./job-storage.ts";
import { StorageError } from "./storage-error.ts";

export class EncryptedStorage implements JobStorage {
  readonly name: string;
  readonly #storage: JobStorage;
  readonly #keys: readonly EncryptionKey[];

  /** @throws {ConfigError} LOVAGE_STORAGE_KEY_INVALID */
  constructor(storage: JobStorage, keys: readonly EncryptionKey[]) {
    this.#storage = storage;
    this.#keys = checkEncryptionKeys(keys);
    this.name = `${storage.name}, encrypted`;
  }

  put(key: StorageKey, body: Readable | Uint8Array, options?: PutOptions): Promise<boolean> {
    const [writing] = this.#keys as readonly [EncryptionKey];
    const { cipher, header } = ObjectCipher.create(writing, key);
    const sealed = sealing(cipher, header);
    // Its errors are the stream's, which the put fails with.
    pipeline(body instanceof Readable ? body : Readable.from([body]), sealed, () => undefined);
    return this.#storage.put(key, sealed, options);
  }

  async read(key: StorageKey, range?: ByteRange): Promise<Readable> {
    if (range) return this.#readRange(key, range);
    const stored = await this.#storage.read(key);
    const { header, rest } = await takeHeader(stored);
    try {
      const cipher = ObjectCipher.open(this.#keys, key, header);
      const whole = { firstChunk: 0, endsObject: true, skip: 0, limit: Number.POSITIVE_INFINITY };
      return unseal(rest, unsealing({ cipher, name: key, ...whole }));
    } catch (error) {
      stored.destroy();
      throw error;
    }
  }

  async #readRange(key: StorageKey, { start, end = Number.POSITIVE_INFINITY }: ByteRange): Promise<Readable> {
    const [found, header] = await Promise.all([this.#storage.stat(key), this.#header(key)]);
    const cipher = ObjectCipher.open(this.#keys, key, header);
    const bytes = found && plainBytes(found.bytes);
    if (bytes === undefined) throw new StorageError("STORAGE_DAMAGED", `${key} is not what was written: it is cut off.`);
    const last = Math.min(end, bytes - 1);
    if (start > last) return Readable.from([]);
    const [firstChunk, lastChunk] = [Math.floor(start / chunkBytes), Math.floor(last / chunkBytes)];
    const stored = { start: headerBytes + firstChunk * sealedChunkBytes, end: headerBytes + (lastChunk + 1) * sealedChunkBytes - 1 };
    const endsObject = lastChunk === chunksOf(bytes) - 1;
    const some = { firstChunk, endsObject, skip: start - firstChunk * chunkBytes, limit: last - start + 1 };
    return unseal(await this.#storage.read(key, stored), unsealing({ cipher, name: key, ...some }));
  }

  async #header(key: StorageKey): Promise<Buffer> {
    return buffer(await this.#storage.read(key, { start: 0, end: headerBytes - 1 }));
  }

  async stat(key: StorageKey): Promise<StoredObject | undefined> {
    const found = await this.#storage.stat(key);
    return found && plain(found);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    for await (const found of this.#storage.list(prefix)) yield plain(found);
  }

  remove(prefix: string): Promise<void> {
    return this.#storage.remove(prefix);
  }

  removeUnfinished(beforeMs: number, isGoing?: (key: StorageKey) => Promise<boolean>): Promise<number> {
    return this.#storage.removeUnfinished(beforeMs, isGoing);
  }

  close(): Promise<void> {
    return this.#storage.close();
  }
}

/** What is too small to be one of ours counts as it is. */
const plain = (found: StoredObject): StoredObject => ({ ...found, bytes: plainBytes(found.bytes) ?? found.bytes });

function unseal(stored: Readable, opened: Transform): Readable {
  pipeline(stored, opened, () => undefined);
  return opened;
}

/** The first bytes of a stream, and a stream of the rest. */
async function takeHeader(stored: Readable): Promise<{ readonly header: Uint8Array; readonly rest: Readable }> {
  const chunks: AsyncIterator<Uint8Array> = stored[Symbol.asyncIterator]();
  let bytes: Uint8Array = new Uint8Array();
  while (bytes.length < headerBytes) {
    const { value, done } = await chunks.next();
    if (done) break;
    bytes = Buffer.concat([bytes, value]);
  }
  async function* others() {
    yield bytes.subarray(headerBytes);
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  const rest = Readable.from(others());
  rest.once("close", () => stored.destroy());
  return { header: bytes.subarray(0, headerBytes), rest };
}
