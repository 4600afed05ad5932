/** What may be a key: text that is a path below any root on any system, and fits S3's 1024 bytes. */
import { StorageError } from "./storage-error.ts";

/** Files that are being written lie beside the objects; no object may look like one. */
export const arrivingPrefix = ".arriving-";
const maxKeyBytes = 1024;
const maxSegmentBytes = 255;

/** @throws {StorageError} STORAGE_KEY_INVALID for whatever could leave the storage, or is no name on some system. */
export function checkKey(key: string): string {
  const problem = problemOf(key);
  if (problem) {
    throw new StorageError("STORAGE_KEY_INVALID", `${JSON.stringify(key.slice(0, 200))} is no key of a stored object: ${problem}.`);
  }
  return key;
}

/** A key, or "" for all. */
export const checkPrefix = (prefix: string): string => (prefix === "" ? prefix : checkKey(prefix));

function problemOf(key: string): string | undefined {
  if (Buffer.byteLength(key) > maxKeyBytes) return `it is longer than ${maxKeyBytes} bytes`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f\\]/.test(key)) return "control characters and backslashes are not allowed";
  if (/\p{Surrogate}/u.test(key)) return "it is not well-formed Unicode";
  for (const segment of key.split("/")) {
    if (segment === "" || segment === "." || segment === "..") return "every part between slashes needs a name";
    if (segment.startsWith(arrivingPrefix)) return `names with ${arrivingPrefix} are kept for files that arrive`;
    if (Buffer.byteLength(segment) > maxSegmentBytes) return `a part of it is longer than ${maxSegmentBytes} bytes`;
  }
  return undefined;
}
