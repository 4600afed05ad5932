import { isLovageError } from "lovage";
import { StorageError } from "./storage/storage-error.ts";

/** What goes wrong between a client and the job service: a stable code, an HTTP status, a sentence for people. Never a stack. */
export class JobError extends Error {
  readonly code: string;
  readonly status: number;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter: number | undefined;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    options: { readonly retryAfter?: number; readonly headers?: Readonly<Record<string, string>>; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "JobError";
    this.status = status;
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.#headers = options.headers ?? {};
  }

  /** Of the answer that carries it. */
  get headers(): Readonly<Record<string, string>> {
    return {
      ...this.#headers,
      ...(this.retryAfter !== undefined && { "retry-after": String(this.retryAfter) }),
      ...(this.status === 401 && { "www-authenticate": "Bearer" }),
    };
  }
}

/** The same words whether there is none or it is somebody else's: nothing is learned from them. */
export const noSuchJob = (): JobError => new JobError(404, "JOB_NOT_FOUND", "There is no such job, or its access token is missing.");

/** Turns whatever was thrown while a request was served into what its client may know. */
export function asJobError(error: unknown): JobError {
  if (error instanceof JobError) return error;
  if (error instanceof StorageError) {
    return new JobError(error.status, error.code, error.plainMessage, {
      ...(error.askAgainSeconds === undefined ? {} : { retryAfter: error.askAgainSeconds }),
      cause: error,
    });
  }
  if (isStorageFull(error)) {
    return new JobError(507, storageFull, "The service has no space left for this upload. Nothing was kept; try again later.", {
      retryAfter: 60,
      cause: error,
    });
  }
  if (isLovageError(error) && error.name === "BrokerUnavailableError") {
    return new JobError(503, "BROKER_UNAVAILABLE", "The job queue does not answer. Nothing was kept; try again later.", {
      retryAfter: 5,
      cause: error,
    });
  }
  return new JobError(500, "INTERNAL", "The service failed to handle this request.", { cause: error });
}

export const storageFull = "STORAGE_FULL";
const fullCodes: readonly unknown[] = [storageFull, "ENOSPC", "EDQUOT", "LOVAGE_STORE_FULL", "LOVAGE_BROKER_FULL"];

/** By the system's code, the queue's, or our own; native libraries only say it in words. */
export function isStorageFull(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return fullCodes.includes(code) || /no space left on device|disk quota exceeded/i.test(String(message ?? ""));
}
