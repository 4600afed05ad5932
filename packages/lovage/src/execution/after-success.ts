/** What follows from a success, in Celery's order: callbacks, next in chain, result, chord part (celery-wire.md §6.3). */
import { groupSignature } from "../canvas/steps.ts";
import { SerializationError } from "../kernel/errors.ts";
import { stringifyWireJson } from "../message/json.ts";
import type { Outcome } from "../message/outcome.ts";
import type { ExtendedResult } from "../message/results.ts";
import type { Signature } from "../message/task-message.ts";
import { type Facts, laterSteps } from "./facts.ts";
import type { FollowUp, ResultBody } from "./follow-up.ts";

type Success = Extract<Outcome, { kind: "success" }>;

export function successFollows(outcome: Success, follow: FollowUp): void {
  const { message, settings } = follow.facts;
  const { callbacks } = message;
  if (callbacks.length > 0) applyCallbacks(callbacks, outcome.value, follow);
  const later = laterSteps(follow.facts);
  const next = later.at(-1);
  if (next !== undefined) follow.apply(next, [outcome.value], { chain: later.slice(0, -1) });
  if (outcome.sends !== undefined) follow.include(outcome.sends);
  const children = follow.children.length === 0 ? outcome.children : [...outcome.children, ...follow.children];
  const isPart = message.chord !== null && message.groupId !== null;
  const isStored = !isIgnored(follow.facts);
  if (!isStored && !isPart) return;
  const resultJson = stringifyWireJson(outcome.value, settings.limits);
  checkSize(resultJson, follow.facts);
  const body: ResultBody = { state: "SUCCESS", result: outcome.value, resultJson, children };
  if (isStored) follow.store(message, body, extendedOf(follow.facts));
  if (isPart) follow.part(message.groupId as string, message.groupIndex, message.id, body, outcome.addsToChord);
}

/** One callback goes as it is; several plain ones as one group, groups each by itself (celery-wire.md §6.3). */
function applyCallbacks(callbacks: readonly Signature[], value: unknown, follow: FollowUp): void {
  const groups = callbacks.filter((callback) => callback.subtask_type === "group");
  const plain = callbacks.filter((callback) => callback.subtask_type !== "group");
  const together = plain.length > 1 ? [groupSignature(plain)] : plain;
  for (const each of [...groups, ...together]) follow.apply(each, [value]);
}

/** A result goes to its waiters through the server as a message does: what is too large for one is too large for the other. */
function checkSize(resultJson: string, { message, settings }: Facts): void {
  const limit = settings.limits.maxPayloadBytes;
  const size = resultJson.length * 3 <= limit ? resultJson.length : Buffer.byteLength(resultJson);
  if (size <= limit) return;
  throw new SerializationError(
    "LOVAGE_RESULT_TOO_LARGE",
    `The result of "${message.task}" has ${size} bytes, allowed are ${limit}. Return a reference (a path, an object key) instead of the data, or raise maxPayloadBytes.`,
    { details: { task: message.task, taskId: message.id, size, limit } },
  );
}

/** The header decides, else the task, else the app (celery-wire.md §2.1, 5.6.3). */
export function isIgnored({ message, task, settings }: Facts): boolean {
  return message.ignoreResult ?? task?.settings.ignoreResult ?? settings.ignoreResult;
}

/** Celery's `result_extended`. */
export function extendedOf({ message, nodeName, settings, queue }: Facts): ExtendedResult | undefined {
  if (!settings.resultExtended) return undefined;
  const { task: name, args, kwargs, retries, stampedHeaders, stamps } = message;
  return { name, args, kwargs, worker: nodeName, retries, queue: message.routingKey || queue, stampedHeaders, stamps };
}
