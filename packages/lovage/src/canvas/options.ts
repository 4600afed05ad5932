/** Signature options: which ones Celery knows, and how two sets of them meet. */
import type { SignatureOptions } from "../message/task-message.ts";

/** What `apply_async` takes; everything else becomes a message property (celery-wire.md §6.1). */
const known = new Set(
  `task_id group_id group_index root_id parent_id chord chain link link_error countdown eta expires queue routing_key exchange
   priority retries reply_to time_limit soft_time_limit ignore_result shadow serializer compression headers
   replaced_task_nesting stamped_headers add_to_parent retry retry_policy immutable producer publisher connection router
   route_name soft_time_limit declare delivery_mode mandatory immediate timeout lovage`.split(/\s+/),
);

export const isUnknownOption = (name: string): boolean => !known.has(name);

/** What a call says wins; null says nothing; a `group_id` that a signature has stays its own (celery-wire.md §6.2). */
export function merged(own: SignatureOptions, over: SignatureOptions): SignatureOptions {
  let out: Record<string, unknown> | undefined;
  for (const name in over) {
    const value = over[name];
    if (value === undefined || (value === null && name !== "chain")) continue;
    if (name === "group_id" && own.group_id) continue;
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
