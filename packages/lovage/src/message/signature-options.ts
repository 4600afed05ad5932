/** What Celery's `apply_async` takes; every other option of a signature becomes a message property (celery-wire.md §6.1). */
const known = new Set(
  `task_id group_id group_index root_id parent_id chord chain link link_error countdown eta expires queue routing_key exchange
   priority retries reply_to time_limit soft_time_limit ignore_result shadow serializer compression headers
   replaced_task_nesting stamped_headers add_to_parent retry retry_policy immutable producer publisher connection router
   route_name soft_time_limit declare delivery_mode mandatory immediate timeout lovage`.split(/\s+/),
);

export const isSignatureOption = (name: string): boolean => known.has(name);
