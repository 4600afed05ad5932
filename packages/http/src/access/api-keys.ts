/**
 * API keys: optional, few, in the service's configuration as hashes. Jobs belong to the owner of the key that they were
 * uploaded with; keys of one owner share them, so that a key can be replaced, and one handed out that only reads.
 */
import { randomBytes } from "node:crypto";
import { ConfigError } from "lovage";
import { hashSecret, secretMatches } from "./job-token.ts";
import type { Quota } from "./quota.ts";
import type { RequestRate } from "./token-bucket.ts";

/** Each may do what those before it may. `read`: look at its owner's jobs and take their outputs; `submit`: upload, cancel and delete them; `admin`: all jobs, and statistics. */
export const roles = ["read", "submit", "admin"] as const;
export type Role = (typeof roles)[number];

export interface ApiKey {
  /** Its public part, for logs: small letters, digits and `-`, at most 40. */
  readonly id: string;
  readonly role: Role;
  /** SHA-256 of the whole key, base64url, as `newApiKey` makes it. */
  readonly hash: string;
  /** Whom its jobs belong to. Default: `id`. */
  readonly owner?: string;
  /** For all keys of the owner together. Default: none. */
  readonly quota?: Quota;
  /** Default: the service's `rate.perKey`. */
  readonly rate?: RequestRate;
}

const idForm = /^[a-z0-9-]{1,40}$/;
const keyForm = /^lvk_([a-z0-9-]{1,40})_[\w-]{43}$/;

/**
 * A key to hand to a client, with the entry for the configuration, which cannot be turned back into the key.
 * @example const { key, entry } = newApiKey("clinic", "submit");
 * @throws {ConfigError} LOVAGE_API_KEY_INVALID
 */
export function newApiKey(id: string, role: Role): { readonly key: string; readonly entry: ApiKey } {
  const key = `lvk_${id}_${randomBytes(32).toString("base64url")}`;
  const entry = { id, role, hash: hashSecret(key) };
  checkKeys([entry]);
  return { key, entry };
}

export const looksLikeKey = (text: string): boolean => text.startsWith("lvk_");
export const ownerOf = (key: ApiKey): string => key.owner ?? key.id;
export const hasRole = (key: ApiKey, role: Role): boolean => roles.indexOf(key.role) >= roles.indexOf(role);

export function findKey(keys: readonly ApiKey[], text: string): ApiKey | undefined {
  const id = keyForm.exec(text)?.[1];
  const known = keys.find((key) => key.id === id);
  return secretMatches(text, known?.hash) ? known : undefined;
}

/** @throws {ConfigError} LOVAGE_API_KEY_INVALID naming each mistake: a key that can never fit is found at start, not by its client. */
export function checkKeys(keys: readonly ApiKey[]): void {
  const mistakes = keys.flatMap((key, i) => [
    ...(idForm.test(key.id) ? [] : [`keys[${i}].id is small letters, digits and "-", at most 40, got ${JSON.stringify(key.id)}`]),
    ...(roles.includes(key.role) ? [] : [`keys[${i}].role is one of ${roles.join(", ")}, got ${JSON.stringify(key.role)}`]),
    ...(/^[\w-]{43}$/.test(key.hash) ? [] : [`keys[${i}].hash is no SHA-256 in base64url`]),
    ...(keys.findIndex((other) => other.id === key.id) === i ? [] : [`keys[${i}].id "${key.id}" is there twice`]),
  ]);
  if (mistakes.length > 0)
    throw new ConfigError("LOVAGE_API_KEY_INVALID", `The job service's API keys are not usable: ${mistakes.join("; ")}.`);
}
