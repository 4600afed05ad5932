/** What a runner holds: its deliveries from the reserve until the store has settled them. The runner's side of `Leases.held`. */
import type { Delivery } from "../../message/commit.ts";
import type { TaskMessage } from "../../message/task-message.ts";

/**
 * gate: before its checks. waiting: for a slot. running: user code has control. committing: its outcome is on its way.
 * abandoned: ended over our head while its code still runs. stuck: the store takes nothing about it, it stays in flight.
 */
export type HeldStage = "gate" | "waiting" | "running" | "committing" | "abandoned" | "stuck";

export interface Held {
  readonly number: number;
  readonly delivery: Delivery;
  /** null until decoded, and for ever if that fails. */
  message: TaskMessage | null;
  stage: HeldStage;
  /** Version of the revokes when the store said that none of them means it. */
  clearedAt: number;
}

export class Holdings {
  readonly #held = new Map<number, Held>();
  #stuck = 0;
  #abandoned = 0;

  add(delivery: Delivery): Held {
    const held: Held = { number: delivery.id.number, delivery, message: null, stage: "gate", clearedAt: -1 };
    this.#held.set(held.number, held);
    return held;
  }

  get(number: number): Held | undefined {
    return this.#held.get(number);
  }

  delete(held: Held): void {
    if (!this.#held.delete(held.number)) return;
    if (held.stage === "stuck") this.#stuck -= 1;
    if (held.stage === "abandoned") this.#abandoned -= 1;
  }

  markStuck(held: Held): void {
    held.stage = "stuck";
    this.#stuck += 1;
  }

  markAbandoned(held: Held): void {
    if (held.stage === "abandoned") return;
    held.stage = "abandoned";
    this.#abandoned += 1;
  }

  /** All that count against the prefetch. */
  get size(): number {
    return this.#held.size;
  }

  /** What a drain still waits for. */
  get unfinished(): number {
    return this.#held.size - this.#stuck - this.#abandoned;
  }

  values(): IterableIterator<Held> {
    return this.#held.values();
  }
}
