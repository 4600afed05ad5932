import { UsageError } from "../kernel/errors.ts";
import type { Args, Names } from "./call-types.ts";
import { callable } from "./define-task.ts";
import type { Callable } from "./task-definition.ts";

/** A task that runs elsewhere (a Python worker, another repository), typed and never imported. */
export interface RemoteTask<P extends Args = Args, R = unknown, N extends Names = readonly string[]> extends Callable<P, R, N> {
  readonly remote: true;
}

/**
 * @typeParam N names of its parameters, where its keyword arguments are to be checked: `["x", "y"]`.
 * @example const add = remoteTask<[x: number, y: number], number>("proj.tasks.add");
 * await app.send(add, [2, 3]);
 */
export function remoteTask<P extends Args = Args, R = unknown, N extends Names = readonly string[]>(name: string): RemoteTask<P, R, N> {
  if (typeof name !== "string" || name === "")
    throw new UsageError("LOVAGE_TASK_INVALID", `A remote task's name is ${JSON.stringify(name)}: expected text that is not empty.`);
  // Belongs to no app: `delay` works inside a run; elsewhere `app.send(task, args)` says where to.
  return { name, remote: true, ...callable(name, new Set()) } as unknown as RemoteTask<P, R, N>;
}
