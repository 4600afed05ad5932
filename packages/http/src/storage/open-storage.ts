/** From what people write in settings to a storage. */
import { fileURLToPath } from "node:url";
import { ConfigError } from "lovage";
import { EncryptedStorage } from "./encrypted-storage.ts";
import { type EncryptionKey, parseEncryptionKeys } from "./encryption-keys.ts";
import { FolderStorage } from "./folder-storage.ts";
import type { JobStorage } from "./job-storage.ts";
import { parseS3Url, type S3Credentials } from "./s3-place.ts";
import { S3Storage } from "./s3-storage.ts";

export interface StorageOptions {
  /** A folder's path, `file:///var/jobs`, or `s3://bucket/prefix?region=…&endpoint=…`. */
  readonly url: string | URL;
  /** `<id>:<base64>`, several with commas, as `process.env.STORAGE_KEYS` may hold them; the first one writes. Absent: in the clear. */
  readonly encryption?: string | readonly EncryptionKey[] | undefined;
  /** For S3. Default: the SDK's own chain (environment, files, the machine's role). */
  readonly credentials?: S3Credentials;
}

/** A folder's path, a URL, either with options, or a storage that somebody has made. */
export type StorageSpec = string | URL | StorageOptions | JobStorage;

/** Opened once per process, by its place or by the options themselves: tasks may name their storage in every call. */
const byPlace = new Map<string, JobStorage>();
const byOptions = new WeakMap<StorageOptions, JobStorage>();

/**
 * S3 is connected to with the first call.
 * @throws {ConfigError} LOVAGE_STORAGE_INVALID for what names none, LOVAGE_STORAGE_KEY_INVALID.
 */
export function openStorage(spec: StorageSpec): JobStorage {
  if (typeof spec === "string" || spec instanceof URL) return openOnce(byPlace, String(spec), () => make(String(spec)));
  return "url" in spec ? openOnce(byOptions, spec, () => makeWith(spec)) : spec;
}

interface Opened<K> {
  get(key: K): JobStorage | undefined;
  set(key: K, storage: JobStorage): unknown;
}

function openOnce<K>(opened: Opened<K>, key: K, open: () => JobStorage): JobStorage {
  const found = opened.get(key) ?? open();
  opened.set(key, found);
  return found;
}

function makeWith(options: StorageOptions): JobStorage {
  const storage = make(String(options.url), options.credentials);
  if (!("encryption" in options)) return storage;
  const { encryption = "" } = options;
  return new EncryptedStorage(storage, typeof encryption === "string" ? parseEncryptionKeys(encryption) : encryption);
}

function make(place: string, credentials?: S3Credentials): JobStorage {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(place)?.[1]?.toLowerCase();
  if (scheme === undefined && place !== "") return new FolderStorage(place);
  if (scheme === "file") return new FolderStorage(fileURLToPath(place));
  if (scheme === "s3") return new S3Storage(parseS3Url(place, credentials));
  throw new ConfigError(
    "LOVAGE_STORAGE_INVALID",
    `"${place}" names no storage: expected the path of a folder, file:///… or s3://bucket/….`,
    {
      details: { place },
    },
  );
}
