/**
 * What an owner of API keys may use: counted in one document per owner, taken before an upload is read, given back when it
 * is refused. What a process took that died in between counts until the day is over: never too little.
 */

import { JobError } from "../job-error.ts";
import type { JobId } from "../job-files.ts";
import type { SharedDocuments } from "./shared-documents.ts";

export interface Quota {
  /** Accepted jobs per day (UTC). */
  readonly jobsPerDay?: number;
  /** Bytes of accepted uploads per day (UTC), as they came over the wire. */
  readonly bytesPerDay?: number;
  /** Jobs that have not ended. */
  readonly openJobs?: number;
}

interface Use {
  readonly day: string;
  readonly jobs: number;
  readonly bytes: number;
  /** Only with `openJobs`. Milliseconds when its upload began; 0: it is a job. */
  readonly open: Readonly<Record<JobId, number>>;
}

interface Wish {
  readonly jobs: number;
  readonly bytes: number;
  readonly open?: JobId;
}

/** What an upload has taken so far. */
export interface Reservation {
  /** Further bytes of the upload. @throws {JobError} 429 QUOTA_BYTES */
  more(bytes: number): Promise<void>;
  /** The upload was refused. */
  giveBack(): Promise<void>;
  /** The upload has become a job. */
  keep(): Promise<void>;
}

const keepMs = 30 * 86_400_000;
/** What has no record yet may still be uploading; after this it was given up. */
const uploadsWithinMs = 3_600_000;

export class Quotas {
  readonly #documents: SharedDocuments;
  readonly #isOpen: (id: JobId) => Promise<boolean | undefined>;
  readonly #now: () => number;

  /** `isOpen`: undefined for a job that is not known. */
  constructor(documents: SharedDocuments, isOpen: (id: JobId) => Promise<boolean | undefined>, now: () => number = Date.now) {
    this.#documents = documents;
    this.#isOpen = isOpen;
    this.#now = now;
  }

  /** @throws {JobError} 429 QUOTA_JOBS, QUOTA_BYTES, QUOTA_OPEN_JOBS, with when to try again */
  async reserve(owner: string, quota: Quota, id: JobId, bytes: number): Promise<Reservation> {
    const wish = { jobs: 1, bytes, open: id };
    // By the day it was taken from: at midnight an upload under way may have taken from two.
    const taken = new Map<string, { jobs: number; bytes: number }>();
    const take = async (more: Wish) => {
      const day = await this.#take(owner, quota, more);
      const before = taken.get(day) ?? { jobs: 0, bytes: 0 };
      taken.set(day, { jobs: before.jobs + more.jobs, bytes: before.bytes + more.bytes });
    };
    try {
      await take(wish);
    } catch (error) {
      if (!(error instanceof JobError && error.code === "QUOTA_OPEN_JOBS")) throw error;
      await this.#forgetEnded(owner);
      await take(wish);
    }
    return {
      more: (bytes) => take({ jobs: 0, bytes }),
      giveBack: () =>
        this.#update(owner, (use) => {
          // What was taken from a day that is over is nobody's any more.
          const { jobs, bytes } = taken.get(use.day) ?? { jobs: 0, bytes: 0 };
          return without({ ...use, jobs: Math.max(0, use.jobs - jobs), bytes: Math.max(0, use.bytes - bytes) }, [id]);
        }),
      // One that took longer than an upload may was given up meanwhile.
      keep: () => this.#update(owner, (use) => (quota.openJobs === undefined ? use : { ...use, open: { ...use.open, [id]: 0 } })),
    };
  }

  /** A job was deleted. */
  async release(owner: string, id: JobId): Promise<void> {
    await this.#update(owner, (use) => (id in use.open ? without(use, [id]) : use));
  }

  /** Returns the day it was taken from. */
  async #take(owner: string, quota: Quota, wish: Wish): Promise<string> {
    let day = "";
    await this.#update(owner, (use) => {
      day = use.day;
      const next = { ...use, jobs: use.jobs + wish.jobs, bytes: use.bytes + wish.bytes };
      const { jobsPerDay, bytesPerDay, openJobs } = quota;
      if (jobsPerDay !== undefined && next.jobs > jobsPerDay) throw used("QUOTA_JOBS", `${jobsPerDay} jobs per day`, this.#untilTomorrow());
      if (bytesPerDay !== undefined && next.bytes > bytesPerDay)
        throw used("QUOTA_BYTES", `${bytesPerDay} bytes per day`, this.#untilTomorrow());
      if (openJobs === undefined || wish.open === undefined) return next;
      if (Object.keys(use.open).length >= openJobs) throw used("QUOTA_OPEN_JOBS", `${openJobs} jobs at once`, 10);
      return { ...next, open: { ...use.open, [wish.open]: this.#now() } };
    });
    return day;
  }

  /** Ends are not counted when they happen, so that no crash can miscount them: they are looked up when room is short. */
  async #forgetEnded(owner: string): Promise<void> {
    const { open } = await this.#documents.update<Use, Use>(key(owner), keepMs, (use) => ({ answer: this.#today(use) }));
    const ended = await Promise.all(
      Object.entries(open).map(async ([id, at]) => {
        const isOpen = (await this.#isOpen(id)) ?? this.#now() - at < uploadsWithinMs;
        return isOpen ? [] : [id];
      }),
    );
    await this.#update(owner, (use) => without(use, ended.flat()));
  }

  #update(owner: string, change: (use: Use) => Use): Promise<void> {
    return this.#documents.update<Use, void>(key(owner), keepMs, (use) => {
      const before = this.#today(use);
      const next = change(before);
      return { ...(next !== before && { next }), answer: undefined };
    });
  }

  #today(use: Use | undefined): Use {
    const day = new Date(this.#now()).toISOString().slice(0, 10);
    return use?.day === day ? use : { day, jobs: 0, bytes: 0, open: use?.open ?? {} };
  }

  #untilTomorrow(): number {
    return Math.ceil((86_400_000 - (this.#now() % 86_400_000)) / 1000);
  }
}

const key = (owner: string) => `access/quota/${owner}`;
const used = (code: string, what: string, retryAfter: number) =>
  new JobError(429, code, `The quota of ${what} is used up. Nothing was kept.`, { retryAfter });
const without = (use: Use, ids: readonly JobId[]): Use => ({
  ...use,
  open: Object.fromEntries(Object.entries(use.open).filter(([id]) => !ids.includes(id))),
});
