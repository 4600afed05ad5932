/** The keys that stored objects are encrypted with. The first one writes; all of them read, so that keys can be changed. */
import { randomBytes } from "node:crypto";
import { ConfigError } from "lovage";

export interface EncryptionKey {
  /** 1 to 16 letters, digits, `.`, `_`, `-`. Stands in every object, readable: which key it takes. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

const keyBytes = 32;
const idPattern = /^[A-Za-z0-9._-]{1,16}$/;

/** A new key as `parseEncryptionKeys` reads it. */
export const newEncryptionKey = (id: string): string => `${id}:${randomBytes(keyBytes).toString("base64")}`;

/**
 * `<id>:<32 bytes in base64>`, several with "," between them: the newest first.
 * @throws {ConfigError} LOVAGE_STORAGE_KEY_INVALID, also for none at all: nothing is to be written in the clear by mistake.
 */
export function parseEncryptionKeys(text: string): readonly EncryptionKey[] {
  const keys = text.split(",").map((one) => {
    const [id = "", key = ""] = one.trim().split(":");
    return { id, key: Buffer.from(key, "base64") };
  });
  return checkEncryptionKeys(keys);
}

/** @throws {ConfigError} LOVAGE_STORAGE_KEY_INVALID. Its message holds no key. */
export function checkEncryptionKeys(keys: readonly EncryptionKey[]): readonly EncryptionKey[] {
  if (keys.length === 0) throw invalid("there is none");
  for (const [i, { id, key }] of keys.entries()) {
    if (!idPattern.test(id)) throw invalid(`the id of number ${i + 1} is no 1 to 16 letters, digits, ".", "_" or "-"`);
    if (key.length !== keyBytes) throw invalid(`"${id}" has ${key.length} bytes instead of ${keyBytes}`);
  }
  if (new Set(keys.map(({ id }) => id)).size < keys.length) throw invalid("two of them have the same id");
  return keys;
}

const invalid = (problem: string) =>
  new ConfigError(
    "LOVAGE_STORAGE_KEY_INVALID",
    `The keys of the storage cannot be used: ${problem}. Expected <id>:<base64> as "openssl rand -base64 32" makes it, several with commas.`,
  );
