/**
 * The files of one job in a folder that the job service and its workers share: `input/` as uploaded, `outputs/` as
 * finished. Outputs become visible as a whole or not at all: a run writes into a staging folder of its own, and one rename
 * publishes it. A second run of the same task finds them published and leaves them.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { isStorageFull, JobError, storageFull } from "./job-error.ts";

export type JobId = string;
const stagingPrefix = "staging-";
const jobIdPattern = /^[A-Za-z0-9_-]{22}$/;

/** 128 random bits, safe in URLs and file names. */
export const newJobId = (): JobId => randomBytes(16).toString("base64url");
export const isJobId = (text: string): text is JobId => jobIdPattern.test(text);

export class JobFiles {
  readonly id: JobId;
  readonly folder: string;

  /** @throws {JobError} JOB_ID_INVALID for anything that is not an id we made: ids become paths. */
  constructor(root: string, id: JobId) {
    if (!isJobId(id)) throw new JobError(404, "JOB_NOT_FOUND", "There is no such job.");
    this.id = id;
    this.folder = path.join(path.resolve(root), id);
  }

  get inputFolder(): string {
    return path.join(this.folder, "input");
  }

  get outputFolder(): string {
    return path.join(this.folder, "outputs");
  }

  get archive(): string {
    return path.join(this.folder, "outputs.zip");
  }

  /** The uploaded files in the order they came. */
  async inputs(): Promise<readonly string[]> {
    const names = await readdir(this.inputFolder);
    return names.sort().map((name) => path.join(this.inputFolder, name));
  }

  /** Names of the published outputs; null while there are none. */
  async outputs(): Promise<readonly string[] | null> {
    try {
      return (await readdir(this.outputFolder)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  /**
   * Runs `write` with an empty folder and publishes what it left there, unless outputs were published before.
   * When `write` throws, nothing is left behind. Returns whether it was this call that published.
   * @throws {JobError} STORAGE_FULL when there is no space for them: what a task may name in its retry policy.
   */
  async publishOutputs(write: (folder: string) => Promise<void>): Promise<boolean> {
    if ((await this.outputs()) !== null) return false;
    const staging = path.join(this.folder, `${stagingPrefix}${randomBytes(6).toString("hex")}`);
    try {
      await mkdir(staging, { recursive: true });
      await write(staging);
      await rename(staging, this.outputFolder);
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const published = ["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "") && (await exists(this.outputFolder));
      if (published) return false;
      if (isStorageFull(error)) throw new JobError(507, storageFull, "There is no space left for the job's outputs.", { cause: error });
      throw error;
    }
    await this.#removeStaging();
    return true;
  }

  /** What runs that were killed have left; one that still writes has lost anyway. */
  async #removeStaging(): Promise<void> {
    const left = (await readdir(this.folder)).filter((name) => name.startsWith(stagingPrefix));
    await Promise.all(left.map((name) => rm(path.join(this.folder, name), { recursive: true, force: true }).catch(() => undefined)));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
