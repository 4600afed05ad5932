import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ConfigError } from "../kernel/errors.ts";
import { senderFor } from "./bindings.ts";
import type { ErrbackArgs } from "./errback.ts";
import { type Bindable, boundApps, type Definitions, type Sender } from "./sender.ts";
import type { AnyTask, Callable, TaskDefinition } from "./task-definition.ts";
import { type ErrbackOptions, resolveTaskOptions, type TaskOptions, type TaskOptionsWithInput } from "./task-options.ts";
import { taskSignature } from "./task-signature.ts";

/**
 * Defines a task. No app is needed: `createApp({ tasks: { … } })` binds it, more than one app may.
 * @param name what stands in messages; any text that is not empty, Python's dotted names included.
 * @example const add = defineTask("demo.add", { params: ["x", "y"] }, (x: number, y: number) => x + y);
 * @throws {ConfigError} LOVAGE_TASK_INVALID when name, options or handler are wrong.
 */
export function defineTask<P extends readonly unknown[], R>(
  name: string,
  handler: (...args: P) => R | PromiseLike<R>,
): TaskDefinition<P, R, readonly []>;
export function defineTask<S extends StandardSchemaV1, R>(
  name: string,
  options: TaskOptionsWithInput<S>,
  handler: (input: StandardSchemaV1.InferOutput<S>) => R | PromiseLike<R>,
): TaskDefinition<[input: StandardSchemaV1.InferInput<S>], R, "input">;
export function defineTask<R, P extends readonly unknown[] = []>(
  name: string,
  options: ErrbackOptions,
  handler: (...args: [...ErrbackArgs, ...P]) => R | PromiseLike<R>,
): TaskDefinition<[...ErrbackArgs, ...P], R>;
export function defineTask<P extends readonly unknown[], R, const N extends readonly string[] = readonly []>(
  name: string,
  options: TaskOptions & { readonly params?: N },
  handler: (...args: P) => R | PromiseLike<R>,
): TaskDefinition<P, R, N>;
export function defineTask(name: string, optionsOrHandler: unknown, maybeHandler?: unknown): AnyTask {
  const handler = maybeHandler ?? optionsOrHandler;
  const options = maybeHandler === undefined ? {} : optionsOrHandler;
  if (typeof name !== "string" || name === "")
    throw new ConfigError("LOVAGE_TASK_INVALID", `A task's name is ${JSON.stringify(name)}: expected text that is not empty.`);
  if (typeof handler !== "function" || typeof options !== "object" || options === null)
    throw new ConfigError(
      "LOVAGE_TASK_INVALID",
      `Task "${name}": expected defineTask(name, handler) or defineTask(name, options, handler), got ${typeof options} and ${typeof handler}.`,
    );
  const own = {
    name,
    settings: resolveTaskOptions(name, options as TaskOptions),
    handler: handler as AnyTask["handler"],
    [boundApps]: new Set<Sender>(),
  };
  const definitions = new Set<Bindable>();
  const task: AnyTask = { ...own, ...callable(name, definitions) };
  definitions.add(task);
  return task;
}

/** The calling half of a task, the same for tasks of one's own and remote ones. Callers give it its types. */
// biome-ignore lint/suspicious/noExplicitAny: one implementation for all parameter lists
export function callable(name: string, definitions: Definitions): Omit<Callable<any, any>, "name"> {
  const sign = (args: readonly unknown[], immutable: boolean) => taskSignature({ name }, args, immutable, definitions);
  const send = (args: readonly unknown[], options?: Parameters<Sender["apply"]>[1]) =>
    senderFor(name, definitions).apply({ signature: sign(args, false).toSignature(), args: [], definitions }, options) as never;
  return {
    s: (...bound) => sign(bound, false) as never,
    kw: (bound: unknown) => sign([], false).set({ kwargs: bound as Readonly<Record<string, unknown>> }) as never,
    si: (...args) => sign(args, true) as never,
    delay: async (...args) => send(args),
    send: async (args, options) => send(args, options),
  };
}
