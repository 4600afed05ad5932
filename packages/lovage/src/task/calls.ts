/** From what is sent, with or without arguments, to a call. */
import type { AnyCanvas } from "./canvas.ts";
import type { Call } from "./sender.ts";
import { type SignatureLike, signatureJson } from "./signature-like.ts";
import { isTaskDefinition } from "./task-definition.ts";
import { taskSignature } from "./task-signature.ts";

export function callOf(what: { readonly name: string } | string, args: readonly unknown[]): Call {
  const name = typeof what === "string" ? what : what.name;
  const signature = taskSignature({ name }, args, false, none).toSignature();
  return { signature, args: noArgs, definitions: isTaskDefinition(what) ? [what] : undefined };
}

/** @throws {UsageError} LOVAGE_SIGNATURE_INVALID */
export function callFrom(composed: AnyCanvas | SignatureLike): Call {
  const signature = signatureJson(composed);
  return { signature, args: noArgs, definitions: "definitions" in composed ? composed.definitions() : undefined };
}

const none = new Set<never>();
const noArgs: readonly unknown[] = [];
