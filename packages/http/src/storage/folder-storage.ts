/**
 * Objects as plain files below one folder that the service and its workers share. A file arrives under another name in the
 * folder it belongs to, is synced, and gets its name in one step. Folders are not objects: empty ones go.
 */
import { randomBytes } from "node:crypto";
import { constants, createWriteStream, type Dirent } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, rm, rmdir, unlink } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileSystemError, isSystemError } from "./file-system-error.ts";
import type { ByteRange, JobStorage, PutOptions, StorageKey, StoredObject } from "./job-storage.ts";
import { StorageError } from "./storage-error.ts";
import { arrivingPrefix, checkKey, checkPrefix } from "./storage-key.ts";
import { syncFolders } from "./sync-files.ts";

export class FolderStorage implements JobStorage {
  readonly name: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = path.resolve(root);
    this.name = `the folder ${this.#root}`;
  }

  pathOf(key: StorageKey): string {
    return path.join(this.#root, ...checkKey(key).split("/"));
  }

  async put(key: StorageKey, body: Readable | Uint8Array, options: PutOptions = {}): Promise<boolean> {
    const target = this.pathOf(key);
    const source = body instanceof Readable ? body : Readable.from([body]);
    // It may fail before anybody listens; the pipeline hears of that all the same.
    source.on("error", () => undefined);
    const arriving = path.join(path.dirname(target), `${arrivingPrefix}${randomBytes(9).toString("hex")}`);
    let isArriving = false;
    let stored = false;
    try {
      if (options.ifAbsent && (await this.stat(key))) return false;
      const file = await this.#create(arriving);
      isArriving = true;
      await pipeline(source, createWriteStream(arriving, { fd: file, flush: true }));
      if (!(await give(target, arriving, options.ifAbsent ?? false))) return false;
      isArriving = options.ifAbsent ?? false;
      stored = true;
      await syncFolders(path.dirname(target), this.#root);
      return true;
    } catch (error) {
      throw isSystemError(error) ? fileSystemError(error, `write ${key} to ${this.name}`) : error;
    } finally {
      source.destroy();
      if (isArriving) await unlink(arriving).catch(() => undefined);
      if (!stored) await this.#removeEmpty(path.dirname(target));
    }
  }

  async read(key: StorageKey, range: ByteRange = { start: 0 }): Promise<Readable> {
    const target = this.pathOf(key);
    try {
      // We write plain files only: a link could lead out of the folder, and to open a pipe waits for whoever writes to it.
      const found = await lstat(target);
      if (found.isDirectory()) throw missing(key, this.name);
      if (!found.isFile()) {
        throw new StorageError("STORAGE_DAMAGED", `${key} in ${this.name} is not what was written: it is no plain file.`);
      }
      const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const { start, end = Number.POSITIVE_INFINITY } = range;
      return file.createReadStream({ start, end });
    } catch (error) {
      if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP")) throw missing(key, this.name, error);
      throw isSystemError(error) ? fileSystemError(error, `read ${key} from ${this.name}`) : error;
    }
  }

  async stat(key: StorageKey): Promise<StoredObject | undefined> {
    try {
      const found = await lstat(this.pathOf(key));
      return found.isFile() ? { key, bytes: found.size, modifiedMs: found.mtimeMs } : undefined;
    } catch (error) {
      if (isSystemError(error, "ENOENT", "ENOTDIR")) return undefined;
      throw isSystemError(error) ? fileSystemError(error, `look for ${key} in ${this.name}`) : error;
    }
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const own = checkPrefix(prefix) === "" ? undefined : await this.stat(prefix);
    if (own) yield own;
    else yield* this.#below(prefix);
  }

  async *#below(folder: string): AsyncIterable<StoredObject> {
    for (const entry of await entriesOf(path.join(this.#root, folder), this.name)) {
      const key = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) yield* this.#below(key);
      else if (entry.isFile() && !entry.name.startsWith(arrivingPrefix)) {
        const found = await this.stat(key);
        if (found) yield found;
      }
    }
  }

  async remove(prefix: string): Promise<void> {
    const target = checkPrefix(prefix) === "" ? this.#root : this.pathOf(prefix);
    try {
      await rm(target, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      throw isSystemError(error) ? fileSystemError(error, `remove ${prefix} from ${this.name}`) : error;
    }
    await this.#removeEmpty(path.dirname(target));
  }

  async removeUnfinished(beforeMs: number, isGoing: (key: StorageKey) => Promise<boolean> = async () => false): Promise<number> {
    return this.#sweep(this.#root, beforeMs, isGoing);
  }

  /** Folders too: what a killed run has made and never filled. */
  async #sweep(folder: string, beforeMs: number, isGoing: (key: StorageKey) => Promise<boolean>): Promise<number> {
    let removed = 0;
    for (const entry of await entriesOf(folder, this.name)) {
      const found = path.join(folder, entry.name);
      if (entry.isDirectory()) removed += await this.#sweep(found, beforeMs, isGoing);
      if (!entry.isDirectory() && !entry.name.startsWith(arrivingPrefix)) continue;
      const { mtimeMs = beforeMs } = (await lstat(found).catch(() => undefined)) ?? {};
      if (mtimeMs >= beforeMs || (await isGoing(path.relative(this.#root, found).split(path.sep).join("/")))) continue;
      const gone = await (entry.isDirectory() ? rmdir(found) : unlink(found)).then(
        () => true,
        () => false,
      );
      if (gone && !entry.isDirectory()) removed += 1;
    }
    return removed;
  }

  async close(): Promise<void> {}

  /** A folder that another call finds empty may go while we are about to use it. */
  async #create(file: string): Promise<FileHandle> {
    for (let attempt = 1; ; attempt += 1) {
      await mkdir(path.dirname(file), { recursive: true });
      try {
        return await open(file, "wx", 0o640);
      } catch (error) {
        if (attempt === 5 || !isSystemError(error, "ENOENT")) throw error;
      }
    }
  }

  /** Upwards from `folder`, until one holds something. The root stays. */
  async #removeEmpty(folder: string): Promise<void> {
    for (let at = folder; at.length > this.#root.length; at = path.dirname(at)) {
      try {
        await rmdir(at);
      } catch (error) {
        if (!isSystemError(error, "ENOENT")) return;
      }
    }
  }
}

async function entriesOf(folder: string, where: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return [];
    throw isSystemError(error) ? fileSystemError(error, `list ${where}`) : error;
  }
}

/** The one step: whoever looks sees nothing, or all of it. False: something had the name, and `ifAbsent`. */
async function give(target: string, arriving: string, ifAbsent: boolean): Promise<boolean> {
  if (!ifAbsent) {
    await rename(arriving, target);
    return true;
  }
  try {
    await link(arriving, target);
    return true;
  } catch (error) {
    if (isSystemError(error, "EEXIST")) return false;
    if (!isSystemError(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS")) throw error;
    throw new StorageError("STORAGE_UNSUITABLE", `The file system of ${target} knows no hard links, which publishing takes.`, {
      cause: error,
    });
  }
}

const missing = (key: string, where: string, cause?: unknown) =>
  new StorageError("STORAGE_OBJECT_MISSING", `There is no ${key} in ${where}.`, { cause });
