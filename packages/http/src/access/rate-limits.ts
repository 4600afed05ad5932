/** Requests per client address and per key, counted for all processes of the service together. */
import type { Context } from "hono";
import { JobError } from "../job-error.ts";
import type { ApiKey } from "./api-keys.ts";
import { network } from "./client-address.ts";
import type { SharedDocuments } from "./shared-documents.ts";
import { type RequestRate, takeToken } from "./token-bucket.ts";

export interface RateOptions {
  /** An IPv6 client counts by its /64. */
  readonly perAddress?: RequestRate;
  /** For keys that have none of their own. */
  readonly perKey?: RequestRate;
}

export class RateLimits {
  readonly #documents: SharedDocuments;
  readonly #options: RateOptions;

  constructor(documents: SharedDocuments, options: RateOptions) {
    this.#documents = documents;
    this.#options = options;
  }

  /** @throws {JobError} 429 RATE_LIMITED */
  async ofAddress(context: Context, address: string | undefined): Promise<void> {
    const { perAddress } = this.#options;
    if (perAddress && address !== undefined) await this.#take(context, "address", network(address), perAddress);
  }

  /** @throws {JobError} 429 RATE_LIMITED */
  async ofKey(context: Context, key: ApiKey): Promise<void> {
    const rate = key.rate ?? this.#options.perKey;
    if (rate) await this.#take(context, "key", key.id, rate);
  }

  /** Says how much is left in the headers of draft-ietf-httpapi-ratelimit-headers; the last limit that was met speaks. */
  async #take(context: Context, policy: "address" | "key", who: string, rate: RequestRate): Promise<void> {
    const { granted, remaining, retryAfter } = await takeToken(this.#documents, `${policy}/${who}`, rate);
    const headers = {
      "ratelimit-policy": `"${policy}";q=${rate.requests};w=${rate.perSeconds}`,
      ratelimit: `"${policy}";r=${remaining};t=${retryAfter}`,
    };
    if (!granted) throw new JobError(429, "RATE_LIMITED", `Too many requests per ${policy}. Try again later.`, { retryAfter, headers });
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
  }
}
