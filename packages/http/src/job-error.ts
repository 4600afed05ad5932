/** What goes wrong between a client and the job service: a stable code, an HTTP status, a sentence for people. Never a stack. */
export class JobError extends Error {
  readonly code: string;
  readonly status: number;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, options: { readonly retryAfter?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "JobError";
    this.status = status;
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

/** Turns whatever was thrown while a request was served into what its client may know. */
export function asJobError(error: unknown): JobError {
  if (error instanceof JobError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "LOVAGE_STORE_FULL" || code === "LOVAGE_BROKER_FULL") {
    return new JobError(507, "STORAGE_FULL", "The service has no space left for this upload. Nothing was kept; try again later.", {
      retryAfter: 60,
      cause: error,
    });
  }
  if (typeof code === "string" && (code === "LOVAGE_BROKER_UNAVAILABLE" || code.startsWith("LOVAGE_STORE_"))) {
    return new JobError(503, "BROKER_UNAVAILABLE", "The job queue does not answer. Nothing was kept; try again later.", {
      retryAfter: 5,
      cause: error,
    });
  }
  return new JobError(500, "INTERNAL", "The service failed to handle this request.", { cause: error });
}
