/** A disk of a few megabytes that a test can fill and free: a tmpfs, where the system lets us mount one (it takes root). */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, statfsSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class SmallDisk {
  readonly folder: string;
  readonly #ballast: string;

  /** Why there can be none here; undefined: there can. */
  static refusal(): string | undefined {
    try {
      new SmallDisk(1).unmount();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** @throws when the system refuses: ask `refusal` before. */
  constructor(megabytes: number) {
    this.folder = mkdtempSync(join(tmpdir(), "lovage-small-disk-"));
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", this.folder], { encoding: "utf8" });
    if (status === 0) {
      this.#ballast = join(this.folder, "ballast");
      return;
    }
    rmdirSync(this.folder);
    throw new Error(`cannot mount a tmpfs: ${stderr}`);
  }

  /** Until no more than `leaveBytes` are free. */
  fill(leaveBytes = 0): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (let left = this.#free() - leaveBytes; left > 0; left = this.#free() - leaveBytes)
        writeSync(file, Buffer.alloc(Math.min(left, 2 ** 16)));
    } finally {
      closeSync(file);
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  /** Lazily: libsql lets go of a closed file only when its statements are collected. */
  unmount(): void {
    spawnSync("umount", ["--lazy", this.folder]);
    rmdirSync(this.folder);
  }

  #free(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }
}
