/** Whatever can be written as Celery's signature dictionary: our canvas objects, or the dictionary itself. */
import { UsageError } from "../kernel/errors.ts";
import type { Signature } from "../message/task-message.ts";

export type SignatureLike = { toSignature(): Signature } | Signature;

/** @throws {UsageError} LOVAGE_SIGNATURE_INVALID */
export function signatureJson(value: SignatureLike): Signature {
  if (typeof value === "object" && value !== null) {
    if ("toSignature" in value) return value.toSignature();
    if (isSignature(value)) return value;
  }
  throw new UsageError(
    "LOVAGE_SIGNATURE_INVALID",
    `Expected a signature (task.s(…), chain, group, chord, or Celery's dictionary with "task" and "args"), got ${String(value)}.`,
    { details: { value } },
  );
}

/** Celery's dictionary, told by its two necessary keys. */
export function isSignature(value: unknown): value is Signature {
  return typeof value === "object" && value !== null && "task" in value && typeof value.task === "string" && "args" in value;
}
