/** What a caller wants revoked, as durable refusals; and what that meets now. */
import { matcher, type Revoke, stampText } from "../broker/revokes.ts";
import { UsageError } from "../kernel/errors.ts";
import { peekHeaders } from "../message/decode.ts";
import type { TaskId } from "../message/task-message.ts";
import type { Store } from "../store/store.ts";
import { familyStamps } from "../task/family-stamps.ts";
import type { Stamps } from "../task/stamping-visitor.ts";
import { type TerminationWish, terminationOf } from "../task/termination.ts";

type OneOrMany<T> = T | readonly T[];

/** Tasks are meant by any of it; those that are sent later, too. */
export interface RevokeTarget {
  readonly id?: OneOrMany<TaskId>;
  /** All that came of these tasks, and they themselves. */
  readonly root?: OneOrMany<TaskId>;
  /** As in the send option `tags`. */
  readonly tag?: OneOrMany<string>;
  /** As in the send option `correlationId`. */
  readonly correlationId?: OneOrMany<string>;
  /** By name, one value or several; a task that was stamped with any of them is meant, as in Celery. */
  readonly stamps?: Stamps;
}

export interface AppRevokeOptions extends TerminationWish {
  /** Say how many it meets now. Looks at every message, so it takes its time where many wait. @defaultValue false */
  readonly count?: boolean;
  /** Only count, and revoke nothing. @defaultValue false */
  readonly dryRun?: boolean;
}

/** How many messages a revoke meets. A moment's view: tasks move on meanwhile. */
export interface Met {
  readonly waiting: number;
  /** For their time, a retry, a place. */
  readonly parked: number;
  /** In a runner: they run, or are about to. */
  readonly running: number;
}

/** @throws {UsageError} LOVAGE_REVOKE_INVALID for a target that means nothing, and an unknown signal. */
export function revokesOf(target: OneOrMany<TaskId> | RevokeTarget, options: TerminationWish, killAfterMs: number): readonly Revoke[] {
  const how = terminationOf(options, killAfterMs);
  const { id, root, tag, correlationId, stamps = {} } = isIds(target) ? { id: target } : target;
  const byStamp = (name: string, value: unknown) => ({ by: "stamp", value: stampText(name, value), ...how }) as const;
  const revokes: Revoke[] = [
    ...listOf(id).map((value) => ({ by: "id", value, ...how }) as const),
    ...listOf(root).map((value) => ({ by: "root", value, ...how }) as const),
    ...listOf(tag).map((value) => byStamp(familyStamps.tags, value)),
    ...listOf(correlationId).map((value) => byStamp(familyStamps.correlation, value)),
    ...Object.entries(stamps).flatMap(([name, values]) => listOf(values).map((value) => byStamp(name, value))),
  ];
  // An empty list is a list; a target without any is a mistake that would look as if it had worked.
  if (!isIds(target) && [id, root, tag, correlationId, target.stamps].every((each) => each === undefined)) throw nobody(target);
  if ([id, root, tag, correlationId].flatMap(listOf<string | undefined>).some((each) => typeof each !== "string" || each === ""))
    throw empty(target);
  return revokes;
}

/** Reads every message there is, without its arguments. */
export async function meetsNow({ broker }: Store, revokes: readonly Revoke[]): Promise<Met> {
  const met = { waiting: 0, parked: 0, running: 0 };
  const meant = matcher(revokes);
  for await (const page of broker.queues.scan()) {
    for (const { place, bytes } of page) {
      const headers = peekHeaders(bytes);
      if (headers !== null && meant(headers) !== undefined) met[place] += 1;
    }
  }
  return met;
}

const isIds = (target: unknown): target is OneOrMany<TaskId> => typeof target === "string" || Array.isArray(target);

const listOf = <T>(value: OneOrMany<T> | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];

function empty(target: OneOrMany<TaskId> | RevokeTarget): UsageError {
  const text = `Cannot revoke ${JSON.stringify(target)}: each id, root, tag and correlation id is a text that is not empty.`;
  return new UsageError("LOVAGE_REVOKE_INVALID", text, { details: { target } });
}

function nobody(target: RevokeTarget): UsageError {
  const text = `Cannot revoke ${JSON.stringify(target)}: expected task ids, or an object with id, root, tag, correlationId or stamps.`;
  return new UsageError("LOVAGE_REVOKE_INVALID", text, { details: { target } });
}
