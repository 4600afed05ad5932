/** From what `send` and `sendMany` are given to calls. */
import { UsageError } from "../kernel/errors.ts";
import { callFrom, callOf } from "../task/calls.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import type { SendOptions } from "../task/send-options.ts";
import type { Call } from "../task/sender.ts";
import type { Callable } from "../task/task-definition.ts";

/** @throws {UsageError} LOVAGE_SEND_INVALID */
export function asCall(
  what: Callable<readonly unknown[]> | AnyCanvas | string,
  argsOrOptions: readonly unknown[] | SendOptions | undefined,
  options: SendOptions | undefined,
): { readonly call: Call; readonly how: SendOptions | undefined } {
  if (typeof what === "object" && what !== null && "toSignature" in what)
    return { call: callFrom(what), how: argsOrOptions as SendOptions | undefined };
  const name = typeof what === "string" ? what : what?.name;
  const args = argsOrOptions ?? [];
  if (typeof name !== "string" || name === "" || !Array.isArray(args))
    throw new UsageError(
      "LOVAGE_SEND_INVALID",
      `Expected app.send(task, [arguments], options), app.send("name", [arguments], options) or app.send(signature, options), got ${typeof what} and ${Array.isArray(args) ? "a list" : typeof args}.`,
    );
  return { call: callOf(what, args), how: options };
}
