/** Stamps: headers that mark every task of a composition, so that it can be found and revoked as a whole (celery-wire.md §6.10). */
import { UsageError } from "../kernel/errors.ts";
import { isSignatureOption } from "../message/signature-options.ts";
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import { changeParts } from "./signature-parts.ts";

/** By name: one value or several. */
export type Stamps = Readonly<Record<string, unknown>>;

/**
 * Every task of it and their links. Celery leaves out the body of a chord, and so what follows a group in a chain: what is
 * revoked by a stamp would go on there. A stamp that is there already is replaced.
 * @throws {UsageError} LOVAGE_SEND_OPTIONS_INVALID for a name that means an option to Celery.
 */
export function stamped(signature: Signature, stamps: Stamps): Signature {
  for (const name of Object.keys(stamps)) if (isSignatureOption(name)) throw taken(name);
  return stampedAll(signature, stamps);
}

function stampedAll(signature: Signature, stamps: Stamps): Signature {
  const own = { ...signature, options: stampedLinks(signature.options, stamps) };
  if (signature.subtask_type === null) return { ...own, options: stampedOptions(own.options, stamps) };
  // What a composition was stamped with reaches its parts together with the new ones.
  const again = (part: Signature) => stampedAll(part, { ...stampsIn(signature.options), ...stamps });
  const parts = changeParts(own, again);
  const body = signature.kwargs.body as Signature | null | undefined;
  return signature.subtask_type === "chord" && body ? { ...parts, kwargs: { ...parts.kwargs, body: again(body) } } : parts;
}

function stampedLinks(options: SignatureOptions, stamps: Stamps): SignatureOptions {
  let out = options;
  for (const key of ["link", "link_error"] as const) {
    const links = options[key];
    if (links === undefined || links === null) continue;
    const all = Array.isArray(links) ? (links as readonly Signature[]) : [links as Signature];
    out = { ...out, [key]: all.map((link) => stampedAll(link, stamps)) };
  }
  return out;
}

/** A stamp is an option of its own name, and `stamped_headers` says which options are stamps. */
export function stampedOptions(options: SignatureOptions, stamps: Stamps): SignatureOptions {
  return { ...options, ...stamps, stamped_headers: [...new Set([...(options.stamped_headers ?? []), ...Object.keys(stamps)])] };
}

function stampsIn(options: SignatureOptions): Stamps {
  return Object.fromEntries((options.stamped_headers ?? []).map((name) => [name, options[name]]));
}

function taken(name: string): UsageError {
  return new UsageError(
    "LOVAGE_SEND_OPTIONS_INVALID",
    `Cannot stamp with "${name}": Celery takes it for an option of the call. Give the stamp another name.`,
    { details: { option: "stamps", value: name } },
  );
}
