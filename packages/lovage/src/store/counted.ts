import type { Counted } from "../message/commit.ts";
import { runtimeBoundsMs } from "./store.ts";

/**
 * The counters that one applied commit raises by one: `task|state`, and for a run `task|state|le:<ms>` with the smallest
 * bound that is not below its runtime. The last bound takes all that ran longer; buckets are not cumulative.
 */
export function countedFields(count: Counted | undefined): readonly string[] {
  if (!count) return [];
  const field = `${count.task}|${count.state}`;
  const { runtimeMs } = count;
  if (runtimeMs === undefined) return [field];
  const bound = runtimeBoundsMs.find((ms) => runtimeMs <= ms) ?? runtimeBoundsMs.at(-1);
  return [field, `${field}|le:${bound}`];
}
