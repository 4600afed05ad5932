/** What goes wrong with a storage. The message is for who runs the service: it may name folders and buckets. */

/** Code → what its client gets: an HTTP status, a sentence that gives nothing away, seconds after which to try again. */
const known = {
  STORAGE_KEY_INVALID: [400, "That is no name of a file here.", undefined],
  STORAGE_OBJECT_MISSING: [410, "The file is no longer kept.", undefined],
  STORAGE_FULL: [507, "The service has no space left. Nothing was kept; try again later.", 60],
  STORAGE_UNAVAILABLE: [503, "The service's storage does not answer. Nothing was kept; try again later.", 5],
  STORAGE_DENIED: [503, "The service may not use its storage. Nothing was kept; its operator has to act.", 60],
  STORAGE_BUCKET_MISSING: [503, "The service's storage is not there. Nothing was kept; its operator has to act.", 60],
  STORAGE_UNSUITABLE: [503, "The service's storage lacks what it needs; its operator has to act.", 60],
  STORAGE_KEY_UNKNOWN: [503, "The service cannot read this file with the keys that it has; its operator has to act.", 60],
  STORAGE_DAMAGED: [500, "A stored file is not what was written.", undefined],
} as const;

export type StorageErrorCode = keyof typeof known;

export class StorageError extends Error {
  readonly code: StorageErrorCode;
  /** HTTP status for a client whose request met it. */
  readonly status: number;
  /** What that client may know. */
  readonly plainMessage: string;
  /** When that client may ask again. Not called `retryAfter`: for a task, its retry policy says when. */
  readonly askAgainSeconds: number | undefined;

  constructor(code: StorageErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = "StorageError";
    this.code = code;
    [this.status, this.plainMessage, this.askAgainSeconds] = known[code];
  }
}

export const isMissing = (error: unknown): boolean => error instanceof StorageError && error.code === "STORAGE_OBJECT_MISSING";
