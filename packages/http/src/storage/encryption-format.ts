/**
 * An encrypted object: a header of 64 bytes, then chunks of 64 KiB, each sealed with AES-256-GCM. Every object has a key of its
 * own, derived from the storage's key, a random salt and the object's name: an object under another's name does not open. The
 * nonce of a chunk is its number and whether it is the last: none can be moved, left out, or cut off at the end.
 *
 *   "lovage\0\x01" (8) | check of the storage's key (8) | id of that key, filled with zeros (16) | salt (32)
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { EncryptionKey } from "./encryption-keys.ts";
import { StorageError } from "./storage-error.ts";

const magic = Buffer.from("lovage\0\x01", "latin1");
const idBytes = 16;
const saltBytes = 32;
const checkBytes = 8;
export const headerBytes = magic.length + checkBytes + idBytes + saltBytes;
export const chunkBytes = 64 * 1024;
export const tagBytes = 16;
export const sealedChunkBytes = chunkBytes + tagBytes;

/** How many chunks so many bytes of an object take; an empty object has one, which says that it is empty. */
export const chunksOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / chunkBytes));

/** Bytes before encryption of an object that has so many after; undefined: it cannot be one of ours. */
export function plainBytes(storedBytes: number): number | undefined {
  const sealed = storedBytes - headerBytes;
  const plain = sealed - tagBytes * Math.max(1, Math.ceil(sealed / sealedChunkBytes));
  return plain < 0 ? undefined : plain;
}

/** Seals and opens the chunks of one object. */
export class ObjectCipher {
  readonly #key: Buffer;

  private constructor(key: EncryptionKey, name: string, salt: Uint8Array) {
    this.#key = derive(key, salt, `object ${name}`, 32);
  }

  static create(key: EncryptionKey, name: string): { readonly cipher: ObjectCipher; readonly header: Buffer } {
    const salt = randomBytes(saltBytes);
    const id = Buffer.alloc(idBytes);
    id.write(key.id, "latin1");
    return { cipher: new ObjectCipher(key, name, salt), header: Buffer.concat([magic, checkOf(key, salt), id, salt]) };
  }

  /** @throws {StorageError} STORAGE_KEY_UNKNOWN, or STORAGE_DAMAGED for what is no header. */
  static open(keys: readonly EncryptionKey[], name: string, header: Uint8Array): ObjectCipher {
    if (header.length < headerBytes || !magic.equals(header.subarray(0, magic.length))) {
      throw new StorageError(
        "STORAGE_DAMAGED",
        `${name} is not encrypted, or its beginning is damaged. What is not encrypted is not read from here.`,
      );
    }
    const [check, id, salt] = split(header.subarray(magic.length), checkBytes, idBytes, saltBytes);
    const keyId = id.toString("latin1").replace(/\0+$/, "");
    const key = keys.find((each) => each.id === keyId);
    const known = keys.map((each) => `"${each.id}"`).join(", ");
    if (!key) throw unknown(`${name} is encrypted with the key "${keyId.replace(/[^\w.-]/g, "?")}"; known here: ${known}`);
    if (!timingSafeEqual(checkOf(key, salt), check))
      throw unknown(`${name} was encrypted with another key than the "${keyId}" that is known here`);
    return new ObjectCipher(key, name, salt);
  }

  seal(number: number, isLast: boolean, chunk: Uint8Array): Buffer {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonceOf(number, isLast));
    return Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws {Error} when it is not this chunk of this object. */
  unseal(number: number, isLast: boolean, sealed: Buffer): Buffer {
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonceOf(number, isLast), { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
  }
}

const derive = ({ key }: EncryptionKey, salt: Uint8Array, use: string, bytes: number) =>
  Buffer.from(hkdfSync("sha256", key, salt, `lovage storage 1 ${use}`, bytes));

/** Tells a wrong key from damage; says nothing about the key. */
const checkOf = (key: EncryptionKey, salt: Uint8Array) => derive(key, salt, "check", checkBytes);

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function split(bytes: Uint8Array, ...sizes: readonly [number, number, number]): readonly [Buffer, Buffer, Buffer] {
  const [a, b, c] = sizes;
  const all = Buffer.from(bytes);
  return [all.subarray(0, a), all.subarray(a, a + b), all.subarray(a + b, a + b + c)];
}

const unknown = (problem: string) =>
  new StorageError("STORAGE_KEY_UNKNOWN", `${problem}. Give the storage the key that it was written with.`);
