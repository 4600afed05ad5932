/** What a service takes in at a time, whatever the pipeline: how many uploads, from how slow clients, with how little space left. */
import { statfs } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { JobError } from "../job-error.ts";
import type { JobStorage } from "../storage/job-storage.ts";

export interface IntakeLimits {
  /** Uploads under way at a time; others are told to come back. Default 1000. */
  readonly maxUploads?: number;
  /** What a client must send on average, looked at every `paceMs`. Time in which we did not read does not count. Default 256. */
  readonly minBytesPerSecond?: number;
  /** Default 30 000. */
  readonly paceMs?: number;
  /** What must be left on the storage's disk beside the upload. Only where the storage is a folder. Default 0. */
  readonly minFreeBytes?: number;
}

const defaults: Required<IntakeLimits> = { maxUploads: 1000, minBytesPerSecond: 256, paceMs: 30_000, minFreeBytes: 0 };

export class Intake {
  readonly #limits: Required<IntakeLimits>;
  #underWay = 0;

  constructor(limits: IntakeLimits = {}) {
    this.#limits = { ...defaults, ...limits };
  }

  /**
   * Before anything is read. Call what it returns when the upload is over.
   * @throws {JobError} UPLOAD_TOO_LARGE for a body that says so itself, UPLOADS_BUSY, STORAGE_FULL
   */
  async enter(storage: JobStorage, maxBodyBytes: number, contentLength: string | null): Promise<() => void> {
    const declared = Number(contentLength ?? 0);
    if (declared > maxBodyBytes) throw new JobError(413, "UPLOAD_TOO_LARGE", `The upload is larger than ${maxBodyBytes} bytes.`);
    if (this.#underWay >= this.#limits.maxUploads)
      throw new JobError(503, "UPLOADS_BUSY", `${this.#underWay} uploads are under way already. Try again later.`, { retryAfter: 5 });
    this.#underWay += 1;
    try {
      await this.#requireSpace(storage, declared);
    } catch (error) {
      this.#underWay -= 1;
      throw error;
    }
    return () => {
      this.#underWay -= 1;
    };
  }

  async #requireSpace(storage: JobStorage, declared: number): Promise<void> {
    const folder = storage.pathOf && path.dirname(storage.pathOf("space"));
    if (folder === undefined) return;
    // Not there yet: it is made by the first write, and that says what is wrong with it.
    const disk = await statfs(folder).catch(() => undefined);
    if (!disk || disk.bavail * disk.bsize >= declared + this.#limits.minFreeBytes) return;
    throw new JobError(507, "STORAGE_FULL", "The service has no space left for this upload. Nothing was kept; try again later.", {
      retryAfter: 60,
    });
  }

  /** Calls `tooSlow` when the client sends less than it must. Returns how to stop that. */
  watchPace(body: Readable, tooSlow: (error: JobError) => void): () => void {
    const { minBytesPerSecond, paceMs } = this.#limits;
    let bytes = 0;
    let held = false;
    const count = (chunk: Uint8Array) => {
      bytes += chunk.length;
    };
    const hold = () => {
      held = true;
    };
    const timer = setInterval(() => {
      if (!held && bytes < (minBytesPerSecond * paceMs) / 1000) {
        const seconds = paceMs / 1000;
        tooSlow(
          new JobError(408, "UPLOAD_TOO_SLOW", `Only ${bytes} bytes came within ${seconds} s. Send it again over a faster connection.`),
        );
      }
      bytes = 0;
      held = body.isPaused();
    }, paceMs).unref();
    body.on("data", count).on("pause", hold);
    return () => {
      clearInterval(timer);
      body.off("data", count).off("pause", hold);
    };
  }
}
