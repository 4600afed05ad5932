/** How the outputs of a run get below a prefix of its own: written there where that is a plain folder, else put there. */
import { createReadStream } from "node:fs";
import { lstat, mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { fileSystemError, isSystemError } from "./file-system-error.ts";
import type { JobStorage } from "./job-storage.ts";
import { withScratch } from "./scratch.ts";
import { StorageError } from "./storage-error.ts";
import { checkKey } from "./storage-key.ts";
import { syncFile, syncFolders } from "./sync-files.ts";

export interface OutputFile {
  /** Path below the folder that the task filled, with "/". */
  readonly name: string;
  readonly bytes: number;
}

/** Runs `write` with an empty folder and stores what it left there below `prefix`. @throws what `write` throws, or {StorageError}. */
export async function storeOutputs(
  storage: JobStorage,
  prefix: string,
  write: (folder: string) => Promise<void>,
): Promise<readonly OutputFile[]> {
  const here = storage.pathOf?.(prefix);
  if (here === undefined) return withScratch((folder) => putOutputs(storage, prefix, folder, write));
  try {
    await mkdir(here, { recursive: true });
    await write(here);
    const files = await filesBelow(here, prefix);
    for (const { name } of files) await syncFile(path.join(here, name));
    for (const folder of new Set(files.map(({ name }) => path.dirname(path.join(here, name))))) await syncFolders(folder, here);
    return files;
  } catch (error) {
    throw isSystemError(error, "ENOSPC", "EDQUOT") ? fileSystemError(error, `write outputs to ${storage.name}`) : error;
  }
}

async function putOutputs(storage: JobStorage, prefix: string, folder: string, write: (folder: string) => Promise<void>) {
  await write(folder);
  const files = await filesBelow(folder, prefix);
  for (const { name } of files) await storage.put(`${prefix}/${name}`, createReadStream(path.join(folder, name)));
  return files;
}

/** By name. @throws {StorageError} for what is no plain file, or has a name that a storage can't keep. */
async function filesBelow(folder: string, prefix: string, inside = ""): Promise<OutputFile[]> {
  const files: OutputFile[] = [];
  for (const entry of await readdir(path.join(folder, inside), { withFileTypes: true })) {
    const name = inside === "" ? entry.name : `${inside}/${entry.name}`;
    checkKey(`${prefix}/${name}`);
    if (entry.isDirectory()) files.push(...(await filesBelow(folder, prefix, name)));
    else if (entry.isFile()) files.push({ name, bytes: (await lstat(path.join(folder, name))).size });
    else
      throw new StorageError("STORAGE_KEY_INVALID", `The output ${JSON.stringify(name)} is no plain file: links and pipes are not kept.`);
  }
  return inside === "" ? files.sort((a, b) => (a.name < b.name ? -1 : 1)) : files;
}
