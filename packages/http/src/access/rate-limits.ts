/** Requests per client address and per key, counted for all processes of the service together. */
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

type LimitHeaders = Readonly<Record<string, string>>;

export class RateLimits {
  readonly #documents: SharedDocuments;
  readonly #options: RateOptions;

  constructor(documents: SharedDocuments, options: RateOptions) {
    this.#documents = documents;
    this.#options = options;
  }

  /** Headers for the answer. @throws {JobError} 429 RATE_LIMITED */
  async ofAddress(address: string | undefined): Promise<LimitHeaders> {
    const { perAddress } = this.#options;
    return perAddress && address !== undefined ? this.#take("address", network(address), perAddress) : {};
  }

  /** Headers for the answer. @throws {JobError} 429 RATE_LIMITED */
  async ofKey(key: ApiKey | undefined): Promise<LimitHeaders> {
    const rate = key?.rate ?? this.#options.perKey;
    return key && rate ? this.#take("key", key.id, rate) : {};
  }

  /** As draft-ietf-httpapi-ratelimit-headers has them. */
  async #take(policy: "address" | "key", who: string, rate: RequestRate): Promise<LimitHeaders> {
    const { granted, remaining, retryAfter } = await takeToken(this.#documents, `${policy}/${who}`, rate);
    const headers = {
      "ratelimit-policy": `"${policy}";q=${rate.requests};w=${rate.perSeconds}`,
      ratelimit: `"${policy}";r=${remaining};t=${retryAfter}`,
    };
    if (granted) return headers;
    throw new JobError(429, "RATE_LIMITED", `Too many requests per ${policy}. Try again later.`, { retryAfter, headers });
  }
}
