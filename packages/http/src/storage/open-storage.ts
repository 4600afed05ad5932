/** From what people write in settings to a storage. */
import { fileURLToPath } from "node:url";
import { ConfigError } from "lovage";
import { FolderStorage } from "./folder-storage.ts";
import type { JobStorage } from "./job-storage.ts";

/** A folder's path, `file:///var/jobs`, or a storage that somebody has made. */
export type StorageSpec = string | URL | JobStorage;

/** Opened once per spec and process: tasks may name their storage in every call. */
const opened = new Map<string, JobStorage>();

/** @throws {ConfigError} LOVAGE_STORAGE_INVALID for a spec that names none. */
export function openStorage(spec: StorageSpec): JobStorage {
  if (typeof spec !== "string" && !(spec instanceof URL)) return spec;
  const place = String(spec);
  const found = opened.get(place) ?? make(place);
  opened.set(place, found);
  return found;
}

function make(place: string): JobStorage {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(place)?.[1]?.toLowerCase();
  if (scheme === undefined && place !== "") return new FolderStorage(place);
  if (scheme === "file") return new FolderStorage(fileURLToPath(place));
  throw new ConfigError("LOVAGE_STORAGE_INVALID", `"${place}" names no storage: expected the path of a folder or file:///….`, {
    details: { place },
  });
}
