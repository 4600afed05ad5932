/**
 * What live deliveries say of themselves before their end: acknowledged early, STARTED, custom states. One call at a time on
 * the wire; marks made meanwhile join the next. A mark that comes after the end is answered `fenced` by the store.
 */

import type { Broker } from "../../broker/broker.ts";
import { type Backoff, backoffDelayMs } from "../../kernel/backoff.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import { soon } from "../../kernel/soon.ts";
import type { Epoch, Mark } from "../../message/commit.ts";

const backoff: Backoff = { firstMs: 50, factor: 2, maxMs: 2000, jitter: "none" };

export interface MarkerOptions {
  readonly epoch: Epoch;
  readonly broker: Broker;
  readonly clock: Clock;
  onFenced(): void;
}

interface Waiting {
  readonly mark: Mark;
  /** Made again until the store answers. */
  readonly insist: boolean;
  resolve(reply: "ok" | "fenced"): void;
  reject(error: unknown): void;
}

export class Marker {
  readonly #options: MarkerOptions;
  #queue: Waiting[] = [];
  #busy = false;
  #closed = false;

  constructor(options: MarkerOptions) {
    this.#options = options;
  }

  /** Insists: user code waits for it. Never rejects; after `close` it never settles. */
  ackEarly(number: number): Promise<"ok" | "fenced"> {
    return this.#add({ kind: "acked-early", number }, true);
  }

  /** @throws {BrokerUnavailableError} when the store does not answer; the run goes on. */
  state(mark: Extract<Mark, { readonly kind: "state" }>): Promise<"ok" | "fenced"> {
    return this.#add(mark, false);
  }

  close(): void {
    this.#closed = true;
  }

  #add(mark: Mark, insist: boolean): Promise<"ok" | "fenced"> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ mark, insist, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      // Marks of one turn of the loop go together: a batch of early acks is one call.
      soon(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    const { epoch, broker, clock, onFenced } = this.#options;
    for (let failures = 0; this.#queue.length > 0 && !this.#closed; ) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        const marks = batch.map((waiting) => waiting.mark);
        const replies = await broker.mark(epoch, marks);
        for (const [index, waiting] of batch.entries()) waiting.resolve(replies[index] ?? "fenced");
        failures = 0;
      } catch (error) {
        for (const waiting of batch) if (!waiting.insist) waiting.reject(error);
        if (isLovageError(error, "LOVAGE_EPOCH_CLOSED")) return onFenced();
        this.#queue = [...batch.filter((waiting) => waiting.insist), ...this.#queue];
        if (this.#queue.length > 0) await clock.sleep(backoffDelayMs(backoff, failures));
        failures += 1;
      }
    }
    this.#busy = false;
  }
}
