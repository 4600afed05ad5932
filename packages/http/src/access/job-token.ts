/** A job's access token: shown once, in the answer to its upload. The record keeps only its hash. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 192 random bits, safe in URLs. */
export const newJobToken = (): string => randomBytes(24).toString("base64url");

/** Tokens and keys are random and long: a plain hash can't be guessed back, and costs no time under load. */
export const hashSecret = (secret: string): string => createHash("sha256").update(secret).digest("base64url");

const nobody = hashSecret(randomBytes(32).toString("hex"));

/** Takes as long for a missing hash or secret as for a wrong one. */
export function secretMatches(secret: string | undefined, hash: string | undefined): boolean {
  const given = Buffer.from(hashSecret(secret ?? ""));
  const expected = Buffer.from(hash ?? nobody);
  return given.length === expected.length && timingSafeEqual(given, expected) && secret !== undefined && hash !== undefined;
}
