/** Names that no queue may have, whoever names it. */

/** undefined: it may be used. */
export function whyNoQueueName(queue: string): string | undefined {
  if (queue.trim() === "") return "a queue needs a name";
  // A queue of that name would spoil them.
  if (/^(unacked(_index|_mutex)?$|_kombu\.binding\.)/.test(queue)) return "kombu keeps its own there";
  return undefined;
}
