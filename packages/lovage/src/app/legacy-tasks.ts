/**
 * Tasks by which old clients and other result backends of Celery start compositions; a client on Redis sends the messages of a
 * composition itself (celery-wire.md §6.1, §7.6).
 */
import { chordSignature, groupSignature } from "../canvas/steps.ts";
import { currentRun } from "../execution/current-run.ts";
import { ChordError, UsageError } from "../kernel/errors.ts";
import { reprException } from "../message/exceptions.ts";
import type { ResultTuple, StoredResult } from "../message/outcome.ts";
import { isReady } from "../message/results.ts";
import type { Signature } from "../message/task-message.ts";
import { leaves } from "../results/family.ts";
import type { ResultSource } from "../results/result-source.ts";
import { ambientRuns } from "../task/ambient.ts";
import { defineTask } from "../task/define-task.ts";
import { changeEntries } from "../task/signature-parts.ts";
import type { AnyTask } from "../task/task-definition.ts";

export function legacyTasks(results: () => ResultSource, resultExpiresMs: () => number | null): readonly AnyTask[] {
  return [group, chain, chord, chordUnlock(results, resultExpiresMs)];
}

type Parts = readonly Signature[];

/** Its value is what the client has for a handle already. */
const group = defineTask(
  "celery.group",
  { params: ["tasks", "result", "group_id", "partial_args", "add_to_parent"] },
  async (tasks: Parts, result: unknown, groupId: string, args: readonly unknown[] = [], addToParent: boolean = true) => {
    const options = { task_id: groupId, ...(!addToParent && { add_to_parent: false }) };
    await ambientRuns.getStore()?.sender.apply({ signature: { ...groupSignature(tasks), options }, args });
    return result;
  },
);

/** Celery refuses it as well. */
const chain = defineTask("celery.chain", { params: ["tasks"] }, () => {
  throw new UsageError(
    "LOVAGE_SIGNATURE_INVALID",
    "celery.chain is not a real task: send the first step of the chain with the others on board, as apply_async() of a chain does.",
  );
});

/** Its value is the handle of the body. */
const chord = defineTask(
  "celery.chord",
  { params: ["header", "body", "partial_args", "interval", "countdown", "max_retries", "eager"] },
  (header: Parts | Signature, body: Signature, args: readonly unknown[] = []) => {
    const whole = chordSignature([], body);
    return ambientRuns.getStore()?.sender.apply({ signature: { ...whole, kwargs: { ...whole.kwargs, header } }, args });
  },
);

/** Seconds; Celery's `result_chord_retry_interval`. */
const usualInterval = 1;

/**
 * Sent by clients whose result backend has no chords: asks again and again whether all members have ended, then starts the
 * body. It can see no results but those of our own store, so it gives up when these would be gone; how the body ends then, and
 * where a member failed, stands in `execution/continuation.ts`.
 */
function chordUnlock(results: () => ResultSource, resultExpiresMs: () => number | null): AnyTask {
  return defineTask(
    "celery.chord_unlock",
    { params: ["group_id", "callback", "interval", "max_retries", "result"], ignoreResult: true },
    async (groupId: string, body: Signature, interval: number | null, maxRetries: number | null, header: readonly ResultTuple[]) => {
      const run = currentRun();
      const ids = header.flatMap(leaves);
      const found = await results().load(ids);
      const missing = ids.filter((_, i) => !isReady(found[i]?.state ?? "PENDING"));
      const waitedMs = run.retries * (interval ?? usualInterval) * 1000;
      if (missing.length > 0 && waitedMs > (resultExpiresMs() ?? Number.POSITIVE_INFINITY)) throw unseen(groupId, missing, ids.length);
      if (missing.length > 0) run.retry({ delayMs: (interval ?? usualInterval) * 1000, max: maxRetries });
      const broken = found.find((each) => each?.state !== "SUCCESS");
      if (broken !== undefined) throw failed(broken);
      const byId = new Map(found.map((each) => [each?.taskId, each?.result]));
      const nested = ([[id], children]: ResultTuple): unknown => (children === null ? byId.get(id) : children.map(nested));
      const values = header.map(nested);
      await run.sendOnSuccess(changeEntries(body, (task) => (task.immutable ? task : { ...task, args: [values, ...task.args] })));
    },
  );
}

function failed({ taskId, result }: StoredResult): ChordError {
  const reason = `Dependency ${taskId} raised ${reprException(result)}`;
  return new ChordError("LOVAGE_CHORD_FAILED", reason, { details: { reason } });
}

function unseen(groupId: string, missing: readonly string[], of: number): ChordError {
  const reason = `Chord ${groupId}: ${missing.length} of its ${of} members have no result here. Its client must use this store as its result_backend.`;
  return new ChordError("LOVAGE_CHORD_FAILED", reason, { details: { reason, missing } });
}
