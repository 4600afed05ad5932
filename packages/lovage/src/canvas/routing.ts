/** Where a call goes when its signature does not say so. The app has the table. */
import type { QueueName, Signature } from "../message/task-message.ts";

/** What a task says about every call of it. */
export interface Route {
  readonly queue: QueueName;
  readonly priority: number;
  /** Seconds until a message of this task is refused; null: never. */
  readonly expires: number | null;
  readonly ignoreResult: boolean | null;
}

export interface Routing {
  route(task: string, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>): Route;
}

/** A run of one task over many arguments goes where that task goes, as Celery's clients send it. */
export function routeOf({ task, kwargs }: Signature, args: readonly unknown[], routing: Routing): Route {
  const inner = task === "celery.map" || task === "celery.starmap" ? (kwargs.task as Partial<Signature> | undefined)?.task : undefined;
  if (inner === undefined) return routing.route(task, args, kwargs);
  return { ...routing.route(inner, [], {}), expires: null, ignoreResult: null };
}
