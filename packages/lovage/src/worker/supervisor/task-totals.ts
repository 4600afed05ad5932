/** How many tasks of each name this node has begun, as its runners tell now and then: what they did in the last second may be missing. */
import type { FromRunner } from "../../pool/protocol.ts";

export class TaskTotals {
  readonly #totals = new Map<string, number>();

  add({ started }: Extract<FromRunner, { readonly t: "counts" }>): void {
    for (const [task, count] of Object.entries(started)) this.#totals.set(task, (this.#totals.get(task) ?? 0) + count);
  }

  byTask(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals);
  }

  get all(): number {
    return [...this.#totals.values()].reduce((sum, count) => sum + count, 0);
  }
}
