/**
 * One task over many arguments. `map` and `starmap` call it one after the other inside one run, so its worker must know
 * it; `chunks` makes several such runs that stand side by side. Celery's xmap, xstarmap and chunks (celery-wire.md §6.1).
 */
import { UsageError } from "../kernel/errors.ts";
import type { Args, Mismatch } from "../task/call-types.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import type { Callable } from "../task/task-definition.ts";
import { TaskSignature } from "../task/task-signature.ts";
import { type Group, group } from "./group.ts";

/**
 * The list of the task's values, one for each item.
 * @example await map(thumbnail, paths).send(app)
 */
export function map<T, Rest extends Args, R>(
  task: Callable<[first: T, ...Rest], R>,
  items: [] extends NoInfer<Rest> ? readonly NoInfer<T>[] : Mismatch<"this task takes", [T, ...Rest], "but map gives it", [T]>,
): TaskSignature<Args, R[]> {
  return mapped("celery.map", unbound(task), items as readonly T[]);
}

/**
 * As `map`, for a task of several arguments: each item is a list of them.
 * @example await starmap(add, [[1, 2], [3, 4]]).send(app)
 */
export function starmap<P extends Args, R>(task: Callable<P, R>, items: readonly NoInfer<P>[]): TaskSignature<Args, R[]> {
  return mapped("celery.starmap", unbound(task), items);
}

/**
 * A group of `starmap`s of `size` calls each, as Celery's clients send it. Its value is a list of lists.
 * @example await chunks(add, pairs, 100).send(app)
 * @throws {UsageError} LOVAGE_SIGNATURE_INVALID for a size below 1.
 */
export function chunks<P extends Args, R>(task: Callable<P, R>, items: readonly NoInfer<P>[], size: number): Group<Args, R[][]> {
  if (!Number.isInteger(size) || size < 1)
    throw new UsageError("LOVAGE_SIGNATURE_INVALID", `Cannot make chunks of ${size} calls: expected a whole number from 1.`);
  const parts: TaskSignature<Args, R[]>[] = [];
  for (let start = 0; start < items.length; start += size) parts.push(starmap(task, items.slice(start, start + size) as readonly P[]));
  return group(parts);
}

const unbound = (task: { s(): unknown }) => task.s() as AnyCanvas;

function mapped<R>(name: string, each: AnyCanvas, it: readonly unknown[]): TaskSignature<Args, R[]> {
  const kwargs = { task: each.toSignature(), it };
  return new TaskSignature({ task: name, args: [], kwargs, options: {}, subtask_type: null, immutable: true }, each.definitions());
}
