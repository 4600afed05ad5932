/** A group's members in the order in which they end. */
import { setMaxListeners } from "node:events";
import { either } from "../kernel/either.ts";
import type { Finished, GetOptions, GroupResult } from "../task/async-result.ts";
import { waitFor } from "./waiting.ts";

/** @throws {WaitTimeoutError} LOVAGE_WAIT_TIMEOUT, the signal's reason, the failure of a step before the group; never a member's. */
export async function* finished<V>(
  group: GroupResult,
  { timeoutMs, signal }: GetOptions,
  parentFailure: (signal: AbortSignal) => Promise<never>,
): AsyncGenerator<Finished<V>, void> {
  const until = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  const stop = new AbortController();
  const linked = signal && either(signal, stop.signal);
  const both = linked?.signal ?? stop.signal;
  setMaxListeners(0, both);
  const ended = new Arrivals<Finished<V>>();
  if (group.parent !== null) parentFailure(both).catch((error) => ended.fail(error));
  for (const [index, result] of group.results.entries()) {
    void result.get({ signal: both }).then(
      (value) => ended.add({ index, result, status: "fulfilled", value: value as V }),
      (reason) => ended.add({ index, result, status: "rejected", reason }),
    );
  }
  try {
    for (let left = group.results.length; left > 0; left--) {
      const limit = until === undefined ? {} : { timeoutMs: Math.max(0, until - performance.now()) };
      const next = await waitFor(`group ${group.id}`, limit, (timeout) => ended.next(timeout));
      // Waits that the caller gave up end as failures of their members.
      signal?.throwIfAborted();
      yield next;
    }
  } finally {
    stop.abort();
    linked?.release();
  }
}

/** What came and was not taken; one taker at a time. */
class Arrivals<T> {
  readonly #items: T[] = [];
  #taken = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  add(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** After what has come already. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  async next(signal: AbortSignal | undefined): Promise<T> {
    while (this.#taken >= this.#items.length) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    }
    const item = this.#items[this.#taken] as T;
    this.#taken += 1;
    return item;
  }
}
