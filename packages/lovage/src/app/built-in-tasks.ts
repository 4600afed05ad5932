/** Tasks that every worker has, because other sides send them by name (celery-wire.md §6.1). */
import { currentRun } from "../execution/current-run.ts";
import { NotRegisteredError } from "../kernel/errors.ts";
import type { Signature } from "../message/task-message.ts";
import type { ResultSource } from "../results/result-source.ts";
import { ambientRuns } from "../task/ambient.ts";
import { bindArguments } from "../task/arguments.ts";
import { defineTask } from "../task/define-task.ts";
import type { Registry } from "../task/registry.ts";
import type { AnyTask } from "../task/task-definition.ts";
import { legacyTasks } from "./legacy-tasks.ts";

export interface BuiltInNeeds {
  /** Where map and starmap find the task that they call, in place. */
  registry(): Registry;
  results(): ResultSource;
  resultExpiresMs(): number | null;
}

export function builtInTasks({ registry, results, resultExpiresMs }: BuiltInNeeds): readonly AnyTask[] {
  const call = async ({ task }: Signature, args: readonly unknown[]): Promise<unknown> => {
    const found = registry().get(task);
    if (found === undefined)
      throw new NotRegisteredError("LOVAGE_NOT_REGISTERED", `This worker knows no task named ${task}.`, { details: { task } });
    return (await found.handler(...(await bindArguments(found, args, {})))) ?? null;
  };
  return [accumulate, ping, backendCleanup, chunks, ...mappers(call), ...legacyTasks(results, resultExpiresMs)];
}

/**
 * All of its arguments, or the one at `index`: 0 at the end of a group that replaces a task, whose results it gets as its first
 * (celery-wire.md §6.8); none where an empty group is due.
 */
const accumulate = defineTask("celery.accumulate", { params: ["results", "index"] }, () => {
  const { args, kwargs } = currentRun().message;
  return typeof kwargs.index === "number" ? args[kwargs.index] : args;
});

/** Sent by those who want to know whether anybody works here. */
const ping = defineTask("celery.ping", () => "pong");

/** Sent by a beat on the other side. Our results expire by themselves. */
const backendCleanup = defineTask("celery.backend_cleanup", () => null);

/** One after the other, in this run. */
function mappers(call: (task: Signature, args: readonly unknown[]) => Promise<unknown>): readonly AnyTask[] {
  const all = async (task: Signature, calls: readonly (readonly unknown[])[]) => {
    const results: unknown[] = [];
    for (const args of calls) results.push(await call(task, args));
    return results;
  };
  return [
    defineTask("celery.map", { params: ["task", "it"] }, (task: Signature, it: readonly unknown[]) =>
      all(
        task,
        it.map((item) => [item]),
      ),
    ),
    defineTask("celery.starmap", { params: ["task", "it"] }, (task: Signature, it: readonly (readonly unknown[])[]) => all(task, it)),
  ];
}

/** Clients send the starmaps themselves; a signature of chunks that is sent as it is comes here. Its value is the group's handle. */
const chunks = defineTask("celery.chunks", { params: ["task", "it", "n"] }, (task: Signature, it: readonly unknown[], n: number) => {
  const signature: Signature = {
    task: "celery.chunks",
    args: [],
    kwargs: { task, it, n },
    options: {},
    subtask_type: "chunks",
    immutable: true,
  };
  return ambientRuns.getStore()?.sender.apply({ signature, args: [] });
});
