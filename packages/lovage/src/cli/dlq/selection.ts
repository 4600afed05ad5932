/** Which letters a `lovage dlq` means: some by id, or all that fit its filters. */
import type { App } from "../../app/app.ts";
import type { DeadTask } from "../../app/dead-letters.ts";
import type { DeadLetterFilter } from "../../broker/dead-letters.ts";
import { parseDurationMs } from "../../kernel/durations.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { DeadReason } from "../../message/commit.ts";
import { durationOf } from "../flags.ts";

export interface DlqFlags {
  readonly all?: true;
  readonly queue?: string;
  readonly task?: string;
  readonly reason?: string;
  readonly older?: string;
  readonly newer?: string;
  readonly limit: string;
  readonly after?: string;
  readonly rate?: string;
  readonly args?: string;
  readonly kwargs?: string;
  readonly toQueue?: string;
  readonly rename?: string;
  readonly priority?: string;
  readonly timeLimit?: string;
  readonly softTimeLimit?: string;
  readonly unique: boolean;
  readonly force?: true;
  readonly dryRun?: true;
}

export interface Selection {
  readonly ids: readonly string[];
  readonly filter: DeadLetterFilter;
}

const reasons: readonly DeadReason[] = ["poison", "lost", "undecodable", "unknown-task", "retries-exhausted", "failed", "refused"];

/** @throws {UsageError} for a filter that cannot be read. */
export function selectionOf(ids: readonly string[], { queue, task, reason, older, newer }: DlqFlags): Selection {
  if (reason !== undefined && !reasons.includes(reason as DeadReason))
    throw new UsageError("LOVAGE_USAGE", `--reason takes one of ${reasons.join(", ")}, got "${reason}".`);
  const filter: DeadLetterFilter = {
    ...(queue !== undefined && { queue }),
    ...(task !== undefined && { task }),
    ...(reason !== undefined && { reason: reason as DeadReason }),
    ...(older !== undefined && { before: Date.now() - agoMs("--older", older) }),
    ...(newer !== undefined && { since: Date.now() - agoMs("--newer", newer) }),
  };
  return { ids, filter };
}

function agoMs(flag: string, text: string): number {
  const value = durationOf(flag, text);
  return typeof value === "number" ? value * 1000 : (parseDurationMs(value ?? "") ?? 0);
}

/** @throws {UsageError} when neither ids nor --all say what is meant, or both do. */
export function requireSelection(action: string, { ids }: Selection, { all }: DlqFlags): void {
  if (ids.length > 0 === (all === true))
    throw new UsageError("LOVAGE_USAGE", `Say which letters to ${action}: their ids, or --all (with filters, or all there are).`);
}

/** By its own id, or the newest of a task's. */
export async function findLetter(app: App, id: string): Promise<DeadTask | undefined> {
  if (/^\d+-[0-9a-f]{16}$/.test(id)) return app.deadLetters.get(id);
  return (await app.deadLetters.list({ limit: 1, filter: { taskId: id } }))[0];
}
