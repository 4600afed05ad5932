/** Requests to a job service: what it refuses becomes an error with its code, what may pass is tried again. */

/** What the service answered in place of what was asked for. */
export class JobServiceError extends Error {
  /** HTTP status; 0: a connection that could not be made, or broke again and again. */
  readonly status: number;
  /** Stable, as the guide lists them. */
  readonly code: string;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, options: { readonly retryAfter?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "JobServiceError";
    this.status = status;
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

export interface ClientOptions {
  /** An API key, where the service wants one. Never in a page that others can read. */
  readonly key?: string;
  /** Sent with each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the service takes uploads. @defaultValue "/upload" */
  readonly uploadPath?: string;
  /** How often in a row a request that only reads is tried again. @defaultValue 5 */
  readonly retries?: number;
  /** @defaultValue the global one */
  readonly fetch?: typeof fetch;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** 0: no connection. */
const passing = [0, 429, 502, 503, 504];

export class Requests {
  readonly options: ClientOptions;
  readonly #base: string;

  constructor(base: string, options: ClientOptions) {
    if (typeof base !== "string") throw new TypeError(`A JobClient takes the URL where the job service is, not ${base}.`);
    this.#base = base.replace(/\/+$/, "");
    this.options = options;
  }

  url(path: string): string {
    return this.#base + path;
  }

  /** A job's own token opens more than a key of a small role, so it is sent beside it. */
  headers({ token, headers }: Pick<Asked, "token" | "headers">): Record<string, string> {
    const { key } = this.options;
    return {
      ...this.options.headers,
      ...(key !== undefined && { "x-api-key": key }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    };
  }

  /** Once. @throws {JobServiceError} for any answer but 2xx and 304 */
  async send(asked: Asked): Promise<Response> {
    const { method, path, body, signal } = asked;
    const request = this.options.fetch ?? fetch;
    const streams = body instanceof ReadableStream ? { duplex: "half" } : {};
    const answering = request(this.url(path), {
      method,
      headers: this.headers(asked),
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
      ...streams,
    } as RequestInit);
    const response = await this.connected(signal, answering);
    if (response.ok || response.status === 304) return response;
    throw refusal(response.status, response.headers.get("retry-after"), await this.connected(signal, response.text()));
  }

  /** As `send`, and reads what was answered. */
  async json<T>(asked: Asked): Promise<T> {
    return this.parsed(await this.send(asked), asked.signal);
  }

  /** What stands in an answer that went well. @throws {JobServiceError} NOT_THE_SERVICE for what is no JSON */
  async parsed<T>(response: Response, signal: AbortSignal | undefined): Promise<T> {
    return parsed(response.status, await this.connected(signal, response.text()));
  }

  /** What came of the connection. @throws {JobServiceError} 0 CONNECTION_LOST */
  connected<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
    return work.catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new JobServiceError(0, "CONNECTION_LOST", `There is no connection to the job service at ${this.#base}.`, { cause });
    });
  }

  /** Runs `attempt` again when a connection broke or the service is busy, so often as `retries` says. */
  async patiently<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    const { retries = 5 } = this.options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await attempt();
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof JobServiceError) || !passing.includes(error.status) || failures > retries) throw error;
        const { retryAfter } = error;
        await pause(retryAfter === undefined ? Math.min(10_000, 250 * 2 ** failures) : retryAfter * 1000, signal);
      }
    }
  }
}

/** @throws {JobServiceError} NOT_THE_SERVICE */
export function parsed<T>(status: number, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw refusal(status, null, text);
  }
}

export function refusal(status: number, retryAfter: string | null, text: string): JobServiceError {
  // What stands between may name a date instead: then it is as if it had said nothing.
  const seconds = /^\d+$/.test(retryAfter ?? "") ? { retryAfter: Number(retryAfter) } : {};
  try {
    const { code, message } = JSON.parse(text) as { readonly code: string; readonly message: string };
    return new JobServiceError(status, code, message, seconds);
  } catch {
    return new JobServiceError(status, "NOT_THE_SERVICE", `Something that is not the job service answered with ${status}.`, seconds);
  }
}

export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
