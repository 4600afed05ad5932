/** The files this process has open, so that all its stores on one file share one connection, one writer and one poller. */
import { SqliteFile } from "./file.ts";
import type { Location } from "./url.ts";

export interface Shared {
  readonly file: SqliteFile;
  readonly key: string;
  users: number;
}

const opened = new Map<string, Promise<Shared>>();

export async function sharedFile(location: Location): Promise<Shared> {
  const key = [location.path, location.synchronous, location.maxBytes].join("\n");
  const known = opened.get(key) ?? openShared(key, location);
  opened.set(key, known);
  const shared = await known;
  if (shared.users < 0) return sharedFile(location); // it was closed while we waited
  shared.users += 1;
  return shared;
}

async function openShared(key: string, location: Location): Promise<Shared> {
  try {
    return { file: await SqliteFile.open(location), key, users: 0 };
  } catch (error) {
    opened.delete(key);
    throw error;
  }
}

/** A file with a connection of its own, as another process would have it. */
export const ownFile = async (location: Location): Promise<Shared> => ({ file: await SqliteFile.open(location), key: "", users: 1 });

/** The last one to let go closes the file. */
export function letGo(shared: Shared): void {
  shared.users -= 1;
  if (shared.users > 0) return;
  shared.users = -1;
  opened.delete(shared.key);
  shared.file.close();
}
