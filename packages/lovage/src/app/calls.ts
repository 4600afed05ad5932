/** From what `send` and `sendMany` are given to calls. */
import { UsageError } from "../kernel/errors.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import type { SendOptions } from "../task/send-options.ts";
import { type Callable, isTaskDefinition } from "../task/task-definition.ts";
import { taskSignature } from "../task/task-signature.ts";
import type { Call } from "./sending.ts";

export const noArgs: readonly unknown[] = [];

export function callOf(what: Callable<readonly unknown[]> | string, args: readonly unknown[]): Call {
  const name = typeof what === "string" ? what : what.name;
  const signature = taskSignature({ name }, args, false, undefined).toSignature();
  return { signature, args: noArgs, task: isTaskDefinition(what) ? what : undefined };
}

/** @throws {UsageError} LOVAGE_SEND_INVALID */
export function asCall(
  what: Callable<readonly unknown[]> | AnyCanvas | string,
  argsOrOptions: readonly unknown[] | SendOptions | undefined,
  options: SendOptions | undefined,
): { readonly call: Call; readonly how: SendOptions | undefined } {
  if (typeof what === "object" && what !== null && "toSignature" in what)
    return { call: { signature: what.toSignature(), args: noArgs }, how: argsOrOptions as SendOptions | undefined };
  const name = typeof what === "string" ? what : what?.name;
  const args = argsOrOptions ?? noArgs;
  if (typeof name !== "string" || name === "" || !Array.isArray(args))
    throw new UsageError(
      "LOVAGE_SEND_INVALID",
      `Expected app.send(task, [arguments], options), app.send("name", [arguments], options) or app.send(signature, options), got ${typeof what} and ${Array.isArray(args) ? "a list" : typeof args}.`,
    );
  return { call: callOf(what, args), how: options };
}
