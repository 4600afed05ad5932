/**
 * The files of one job in a folder that the job service and its workers share: `input/` as uploaded, `outputs/` as
 * finished. Outputs become visible as a whole or not at all: a run writes into a staging folder of its own, and one rename
 * publishes it. A second run of the same task finds them published and leaves them.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { JobError } from "./job-error.ts";

export type JobId = string;
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
   */
  async publishOutputs(write: (folder: string) => Promise<void>): Promise<boolean> {
    if ((await this.outputs()) !== null) return false;
    const staging = path.join(this.folder, `staging-${randomBytes(6).toString("hex")}`);
    await mkdir(staging, { recursive: true });
    try {
      await write(staging);
      await rename(staging, this.outputFolder);
      return true;
    } catch (error) {
      await rm(staging, { recursive: true, force: true });
      const published = ["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "") && (await exists(this.outputFolder));
      if (published) return false;
      throw error;
    }
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
