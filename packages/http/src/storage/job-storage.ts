/**
 * Where the files of jobs lie: objects by key, in a folder, in an S3 bucket, or in either of them encrypted. A seam: it knows
 * nothing of jobs. What it promises is what all of them can keep: an object appears whole or not at all, and `ifAbsent` has
 * one winner. There is no rename and no folder that could appear as one (ADR 20).
 */
import type { Readable } from "node:stream";

/** Segments with "/" between them: `<job>/input/0000.png`. See `checkKey`. A key is never also the folder of another. */
export type StorageKey = string;

/** Bytes of an object, both ends included. Without `end`: to its end. What lies beyond its end is left out. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export interface StoredObject {
  readonly key: StorageKey;
  readonly bytes: number;
  /** Milliseconds since 1970, by the storage's clock. */
  readonly modifiedMs: number;
}

export interface PutOptions {
  /** Leaves an object that is there as it is. */
  readonly ifAbsent?: boolean;
}

export interface JobStorage {
  /** What and where it is, for people: no secrets. */
  readonly name: string;
  /**
   * Writes an object as a whole, durably; when `body` fails, or the process ends, nothing is seen of it.
   * Returns false where `ifAbsent` found one. `body` is used up or destroyed in any case.
   * @throws {StorageError}, or what `body` failed with.
   */
  put(key: StorageKey, body: Readable | Uint8Array, options?: PutOptions): Promise<boolean>;
  /** @throws {StorageError} STORAGE_OBJECT_MISSING, and others, before the first byte. */
  read(key: StorageKey, range?: ByteRange): Promise<Readable>;
  stat(key: StorageKey): Promise<StoredObject | undefined>;
  /** The object `prefix` and all below `prefix/`; "": all there are. Objects of one folder come together. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Removes the object `prefix` and all below `prefix/`. What is not there is no error. */
  remove(prefix: string): Promise<void>;
  /**
   * Removes what is left of puts that began before this time (milliseconds since 1970) and never ended; says how many. A storage
   * cannot tell a dead one from one that is slow: `isGoing` says of which keys it goes on.
   */
  removeUnfinished(beforeMs: number, isGoing?: (key: StorageKey) => Promise<boolean>): Promise<number>;
  /** Only where an object is a plain file of this machine: its path, whether it is there or not. */
  pathOf?(key: StorageKey): string;
  close(): Promise<void>;
}
