/** Compares what the store holds for a runner with what the runner holds itself. Pure; design.md §3, Reserve and Connections. */
import type { Delivery } from "../../message/commit.ts";
import type { Held, Holdings } from "./held.ts";

export interface Differences {
  /** The store holds them for us and we know nothing of them: a reply was lost, or the store is older than it was. */
  readonly unknown: readonly Delivery[];
  /** We hold them and the store does not: settled by a call whose answer was lost, or ended by somebody else. */
  readonly missing: readonly Held[];
}

export function differences(inStore: readonly Delivery[], holdings: Holdings): Differences {
  const numbers = new Set<number>();
  for (const delivery of inStore) numbers.add(delivery.id.number);
  const unknown = inStore.filter((delivery) => holdings.get(delivery.id.number) === undefined);
  const missing = [...holdings.values()].filter((held) => held.stage !== "abandoned" && !numbers.has(held.number));
  return { unknown, missing };
}
