/** Walks between handles: to the parents, and through a tree of children. */
import type { ResultTuple } from "../message/outcome.ts";
import type { TaskId } from "../message/task-message.ts";
import type { AsyncResult, GetOptions, GroupResult } from "../task/async-result.ts";

export type Handle = AsyncResult | GroupResult;

export const isGroupResult = (handle: Handle): handle is GroupResult => "results" in handle;

/** The steps before it, nearest first. A retry's parent may be the task itself (celery-wire.md §14.2 no. 11). */
export function ancestors(handle: Handle): readonly Handle[] {
  const seen = new Set([handle.id]);
  const found: Handle[] = [];
  for (let next = handle.parent; next !== null && !seen.has(next.id); next = next.parent) {
    seen.add(next.id);
    found.push(next);
  }
  return found;
}

/** The ids of the tasks that a result tuple stands for. */
export function leaves([[id], children]: ResultTuple): TaskId[] {
  return children === null ? [id] : children.flatMap(leaves);
}

/** Breadth first, as Python's `collect()`; each once. */
export async function* collected(root: AsyncResult, options: GetOptions): AsyncGenerator<readonly [Handle, unknown]> {
  const until = options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs;
  const waiting: Handle[] = [root];
  const seen = new Set([root.id]);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const value = await next.get(until === undefined ? options : { ...options, timeoutMs: Math.max(0, until - performance.now()) });
    yield [next, value];
    for (const child of isGroupResult(next) ? next.results : await next.children()) {
      if (seen.has(child.id)) continue;
      seen.add(child.id);
      waiting.push(child);
    }
  }
}
