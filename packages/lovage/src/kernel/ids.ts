/** Identifiers: random ones for what is new, derived ones for what must come out the same when it is made again. */
import { createHash, randomUUID } from "node:crypto";

/** A random UUID (version 4), as Celery makes task ids. */
export const newId = (): string => randomUUID();

let lastMs = 0;
let lastPrefix = "";

/** A UUID that begins with the time at which it was made, to the millisecond (version 7, RFC 9562 §5.7). */
export function timedId(now: number = Date.now()): string {
  if (now !== lastMs) {
    const hex = now.toString(16).padStart(12, "0");
    lastMs = now;
    lastPrefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  }
  return lastPrefix + randomUUID().slice(15);
}

/** When a `timedId` was made, milliseconds since 1970; null: it is another kind of id. */
export const timeOfId = (id: string): number | null =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)
    ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    : null;

/** Where `newId` or `derivedIds` is asked for: each call gives the next id. */
export type IdSource = () => string;

/** A namespace of our own, so that nobody else's version 5 ids meet ours. */
const namespace = Buffer.from("6c6f7661676500005a8f6d1c0b2e4f73", "hex");

/** The same text always gives the same UUID (version 5, RFC 9562 §5.5). */
export function derivedId(text: string): string {
  const hash = createHash("sha1").update(namespace).update(text).digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString("hex", 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Ids for what follows from one attempt of one message, in order of position: a repeat of the commit invents the same ones. */
export function derivedIds(origin: string): IdSource {
  let position = 0;
  return () => derivedId(`${origin}|${position++}`);
}
