/** Entity tags (RFC 9110 §8.8): what an answer says, in a few letters. */
import { createHash } from "node:crypto";

/** Strong: the same for the same text only. With its quotes. */
export const tagOf = (text: string): string => `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;

/** Whether `If-None-Match` names it: it may hold several, or "*", and a proxy may have weakened ours. */
export const isNamed = (tag: string, header: string | null): boolean =>
  header?.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === tag) ?? false;
