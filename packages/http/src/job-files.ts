/**
 * The files of one job in the storage that the job service and its workers share: `input/` as uploaded, `outputs/` as
 * finished. Outputs become visible as a whole or not at all: a run stores them below a prefix of its own, and one object,
 * the manifest, publishes them. A second run of the same task finds it and leaves it (ADR 20).
 */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { isStorageFull, noSuchJob } from "./job-error.ts";
import { isSystemError } from "./storage/file-system-error.ts";
import type { ByteRange, JobStorage, StorageKey } from "./storage/job-storage.ts";
import { openStorage, type StorageSpec } from "./storage/open-storage.ts";
import { type OutputFile, storeOutputs } from "./storage/outputs.ts";
import { withScratch } from "./storage/scratch.ts";
import { isMissing, StorageError } from "./storage/storage-error.ts";
import { damaged, wholeStream } from "./storage/whole-stream.ts";

export type JobId = string;
const jobIdPattern = /^[A-Za-z0-9_-]{22}$/;

/** 128 random bits, safe in URLs and file names. */
export const newJobId = (): JobId => randomBytes(16).toString("base64url");
export const isJobId = (text: string): text is JobId => jobIdPattern.test(text);

/** What was published, and below which run's prefix it lies. Written once. */
export interface Manifest {
  readonly run: string;
  readonly files: readonly OutputFile[];
}

export class JobFiles {
  readonly id: JobId;
  readonly storage: JobStorage;
  #manifest: Manifest | undefined;

  /** @throws {JobError} JOB_NOT_FOUND for anything that is not an id we made: ids become keys. */
  constructor(storage: StorageSpec, id: JobId) {
    if (!isJobId(id)) throw noSuchJob();
    this.id = id;
    this.storage = openStorage(storage);
  }

  /** Stores an uploaded file and returns what a `JobInput` calls it. `extension` as sniffed. */
  async putInput(index: number, extension: string, body: Readable): Promise<string> {
    const file = `input/${String(index).padStart(4, "0")}.${extension}`;
    await this.storage.put(this.#key(file), body);
    return file;
  }

  /** The uploaded files in the order they came, as a `JobInput` calls them: `input/0000.png`. */
  async inputs(): Promise<readonly string[]> {
    const files: string[] = [];
    for await (const { key } of this.storage.list(`${this.id}/input`)) files.push(key.slice(this.id.length + 1));
    return files.sort();
  }

  /** @throws {StorageError} STORAGE_OBJECT_MISSING */
  openInput(file: string, range?: ByteRange): Promise<Readable> {
    return this.storage.read(this.#inputKey(file), range);
  }

  /**
   * Runs `use` with the path of an uploaded file on this machine: the stored file itself, so do not change it, or a copy that
   * goes when `use` has ended.
   * @throws {StorageError} STORAGE_OBJECT_MISSING, or what `use` throws.
   */
  async withInput<T>(file: string, use: (path: string) => Promise<T> | T): Promise<T> {
    const key = this.#inputKey(file);
    const here = this.storage.pathOf?.(key);
    if (here === undefined) {
      return withScratch(async (folder) => {
        const copy = path.join(folder, path.basename(file));
        await pipeline(await this.storage.read(key), createWriteStream(copy, { flags: "wx" }));
        return use(copy);
      });
    }
    if (!(await this.storage.stat(key))) {
      throw new StorageError("STORAGE_OBJECT_MISSING", `There is no ${key} in ${this.storage.name}: is it the one that the service uses?`);
    }
    return use(here);
  }

  /** Names of the published outputs; null while there are none. */
  async outputs(): Promise<readonly string[] | null> {
    return (await this.manifest())?.files.map(({ name }) => name) ?? null;
  }

  /**
   * Its stream gives all the bytes asked for, or fails with a {StorageError}.
   * @throws {StorageError} STORAGE_OBJECT_MISSING for a name that is not among the published ones, STORAGE_DAMAGED where its size has changed.
   */
  async openOutput(name: string, range?: ByteRange): Promise<Readable> {
    const manifest = await this.manifest();
    const file = manifest?.files.find((each) => each.name === name);
    if (!manifest || !file) {
      throw new StorageError("STORAGE_OBJECT_MISSING", `Job ${this.id} has published no output ${JSON.stringify(name)}.`);
    }
    const key = this.#key(`outputs/${manifest.run}/${name}`);
    const found = await this.storage.stat(key);
    if (found && found.bytes !== file.bytes) throw damaged(key, file.bytes, found.bytes);
    const { start, end = file.bytes - 1 } = range ?? { start: 0 };
    const wanted = Math.max(0, Math.min(end, file.bytes - 1) - start + 1);
    return wholeStream(await this.storage.read(key, range), wanted, key);
  }

  /** null until outputs are published. @throws {StorageError} STORAGE_DAMAGED, and others. */
  async manifest(): Promise<Manifest | null> {
    try {
      // It never changes.
      this.#manifest ??= parseManifest(await text(await this.storage.read(this.#manifestKey)), this.#manifestKey);
      return this.#manifest;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /**
   * Runs `write` with an empty folder and publishes what it left there, unless outputs were published before.
   * When `write` throws, nothing is left behind. Returns whether it was this call that published.
   * @throws {StorageError} STORAGE_FULL when there is no space for them: what a task may name in its retry policy.
   */
  async publishOutputs(write: (folder: string) => Promise<void>): Promise<boolean> {
    if (await this.manifest()) return false;
    const run = randomBytes(9).toString("hex");
    const prefix = this.#key(`outputs/${run}`);
    let files: readonly OutputFile[];
    try {
      files = await storeOutputs(this.storage, prefix, write);
    } catch (error) {
      await this.storage.remove(prefix).catch(() => undefined);
      // Another run has published, and removed what was ours.
      if (isSystemError(error, "ENOENT") && (await this.manifest())) return false;
      if (isStorageFull(error) && !(error instanceof StorageError)) {
        throw new StorageError("STORAGE_FULL", "There is no space left for the job's outputs.", { cause: error });
      }
      throw error;
    }
    return this.#publish({ run, files });
  }

  /** A manifest whose put has failed may still arrive: then what it names has to be there. Else the sweeper removes it. */
  async #publish(manifest: Manifest): Promise<boolean> {
    let published: boolean;
    try {
      published = await this.storage.put(this.#manifestKey, Buffer.from(JSON.stringify(manifest)), { ifAbsent: true });
    } catch (error) {
      if (isStorageFull(error)) await this.storage.remove(this.#key(`outputs/${manifest.run}`));
      throw error;
    }
    // A client that tries again by itself may meet what its first try wrote.
    const winner = published ? manifest.run : (await this.manifest())?.run;
    await this.#removeRunsBut(winner ?? "");
    return winner === manifest.run;
  }

  /** What runs that were killed or lost have left; one that still writes has lost anyway. */
  async #removeRunsBut(winner: string): Promise<void> {
    const runs = new Set<string>();
    for await (const { key } of this.storage.list(this.#key("outputs"))) runs.add(key.split("/")[2] ?? "");
    runs.delete(winner);
    await Promise.all([...runs].map((run) => this.storage.remove(this.#key(`outputs/${run}`)).catch(() => undefined)));
  }

  async remove(): Promise<void> {
    await this.storage.remove(this.id);
  }

  get #manifestKey(): string {
    return this.#key("outputs.json");
  }

  #inputKey(file: string): string {
    if (!file.startsWith("input/")) throw new StorageError("STORAGE_KEY_INVALID", `${JSON.stringify(file)} is no uploaded file's name.`);
    return this.#key(file);
  }

  #key(inside: string): string {
    return `${this.id}/${inside}`;
  }
}

function parseManifest(json: string, key: StorageKey): Manifest {
  try {
    return JSON.parse(json) as Manifest;
  } catch (cause) {
    throw new StorageError("STORAGE_DAMAGED", `${key} is not what was written: it is no manifest.`, { cause });
  }
}
