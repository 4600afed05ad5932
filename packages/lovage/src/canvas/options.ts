/** How two sets of signature options meet. */
import type { SignatureOptions } from "../message/task-message.ts";

/** What a call says wins; null says nothing; a `group_id` and stamps that a signature has stay its own (celery-wire.md §6.2). */
export function merged(own: SignatureOptions, over: SignatureOptions): SignatureOptions {
  let out: Record<string, unknown> | undefined;
  for (const name in over) {
    const value = over[name];
    if (value === undefined || (value === null && name !== "chain")) continue;
    if (name === "group_id" && own.group_id) continue;
    if (own.stamped_headers && (name === "stamped_headers" || (name in own && own.stamped_headers.includes(name)))) continue;
    out ??= { ...own };
    out[name] = name === "lovage" ? { ...(own.lovage as object | undefined), ...(value as object) } : value;
  }
  return out ?? own;
}

export function without(options: SignatureOptions, ...names: readonly string[]): SignatureOptions {
  const out: Record<string, unknown> = {};
  for (const name in options) if (!names.includes(name)) out[name] = options[name];
  return out;
}
