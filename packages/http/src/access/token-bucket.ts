/** Request rates as token buckets in the state store, so that all processes of a service count together. */
import type { SharedDocuments } from "./shared-documents.ts";

export interface RequestRate {
  /** That may come at once. */
  readonly requests: number;
  /** In which as many grow back, evenly. */
  readonly perSeconds: number;
}

export interface Taken {
  readonly granted: boolean;
  /** Whole requests that are left. */
  readonly remaining: number;
  /** Seconds until one more is there; 0 while some are left. */
  readonly retryAfter: number;
}

interface Bucket {
  readonly tokens: number;
  /** Milliseconds of the clock of whoever wrote. */
  readonly at: number;
}

/** A bucket that nobody touched for `perSeconds` is full, and so need not be kept. */
export function takeToken(documents: SharedDocuments, name: string, rate: RequestRate, now: () => number = Date.now): Promise<Taken> {
  return documents.update<Bucket, Taken>(`access/rate/${name}`, rate.perSeconds * 1000, (bucket) => draw(bucket, rate, now()));
}

export function draw(bucket: Bucket | undefined, { requests, perSeconds }: RequestRate, now: number): { next?: Bucket; answer: Taken } {
  const perMs = requests / (perSeconds * 1000);
  // A clock that is behind the last writer's grows nothing, and takes nothing away.
  const grown = bucket ? Math.max(0, now - bucket.at) * perMs : 0;
  const tokens = Math.min(requests, (bucket?.tokens ?? requests) + grown);
  if (tokens < 1) return { answer: { granted: false, remaining: 0, retryAfter: Math.ceil((1 - tokens) / perMs / 1000) } };
  const left = tokens - 1;
  const retryAfter = left >= 1 ? 0 : Math.ceil((1 - left) / perMs / 1000);
  return { next: { tokens: left, at: Math.max(now, bucket?.at ?? 0) }, answer: { granted: true, remaining: Math.floor(left), retryAfter } };
}
