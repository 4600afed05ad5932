/** Names of limits and unique keys as stores keep them. Pure. */
import { createHash } from "node:crypto";

/** Readable where that is possible; a long part, or one with characters of its own meaning, by its hash. */
export const limitKey = (parts: readonly string[]): string =>
  parts.map((part) => (/^[\w.:@-]{1,100}$/.test(part) ? part : `#${createHash("sha1").update(part).digest("hex")}`)).join("/");

/** Hexadecimal, so that it can be found in an envelope whatever the name and the key are made of. */
export const uniqueKey = (name: string, key: string): string =>
  createHash("sha1")
    .update(JSON.stringify([name, key]))
    .digest("hex");
