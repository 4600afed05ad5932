/** What a message has to ask for before it may run: its task's limits, for its arguments. Pure. */
import type { App } from "../../app/app.ts";
import type { Demand } from "../../broker/limits.ts";
import { limitKey } from "../../kernel/limit-key.ts";
import { rateIntervalMs } from "../../kernel/rate.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import { bindArguments } from "../../task/arguments.ts";
import { keyText } from "../../task/key-text.ts";
import type { AnyTask } from "../../task/task-definition.ts";
import type { KeyOf, ResolvedRate } from "../../task/task-limits.ts";
import type { NodeLimits } from "./node-limits.ts";

export interface DemandFacts {
  /** Rates that are each node's own are counted under it. */
  readonly nodeName: string;
  /** `taskDefaultRateLimit`, milliseconds from start to start; null: none. */
  readonly defaultIntervalMs: number | null;
  /** `workerDisableRateLimits`. */
  readonly noRates: boolean;
  readonly changed: NodeLimits;
}

export function demandFacts(config: App["config"], nodeName: string, changed: NodeLimits): DemandFacts {
  const { taskDefaultRateLimit: rate, workerDisableRateLimits: noRates } = config;
  return { nodeName, defaultIntervalMs: rate === null ? null : (rateIntervalMs(rate) ?? null), noRates, changed };
}

/** Cheap: asked for every message. */
export function isLimited(
  { name, settings: { limits } }: AnyTask,
  { lovage }: TaskMessage,
  { defaultIntervalMs, noRates, changed }: DemandFacts,
): boolean {
  if (changed.of(name)?.intervalMs !== undefined) return true;
  return limits !== null || (defaultIntervalMs !== null && !noRates) || lovage.unique?.until === "start";
}

/** Concurrency first: a token is not spent on what cannot run. @throws what a key function, or the binding of arguments, throws. */
export async function demandsOf(task: AnyTask, message: TaskMessage, facts: DemandFacts): Promise<readonly Demand[]> {
  const { limits } = task.settings;
  const concurrency = limits?.concurrency ?? null;
  const rates = facts.noRates ? [] : ratesOf(task, facts);
  const isKeyed = concurrency?.per != null || rates.some(({ per }) => per !== null);
  const args = isKeyed ? await bindArguments(task, message.args, message.kwargs) : [];
  const keyOf = (option: string, per: KeyOf | null) => (per === null ? null : keyText(task.name, option, per(...args)));
  const demands: Demand[] = [];
  if (concurrency !== null)
    demands.push({
      kind: "slots",
      name: nameOf(["slots", concurrency.name], keyOf("concurrency.per", concurrency.per)),
      most: concurrency.most,
    });
  for (const { intervalMs, scope, per, name, burst } of rates) {
    const of = scope === "node" ? ["rate", name, String(intervalMs), facts.nodeName] : ["rate", name, String(intervalMs)];
    demands.push({ kind: "rate", name: nameOf(of, keyOf("rateLimit.per", per)), intervalMs, burst });
  }
  const intervalMs = facts.changed.of(task.name)?.intervalMs;
  if (intervalMs != null && !facts.noRates) demands.push({ kind: "rate", name: nodeRateName(task, facts), intervalMs, burst: 1 });
  return demands;
}

/** What the node was told stands in place of the rates that are each node's own; those over all nodes go on beside it. */
function ratesOf(task: AnyTask, { defaultIntervalMs, changed }: DemandFacts): readonly ResolvedRate[] {
  const declared = declaredRates(task, defaultIntervalMs);
  return changed.of(task.name)?.intervalMs === undefined ? declared : declared.filter(({ scope }) => scope !== "node");
}

function declaredRates({ name, settings: { limits } }: AnyTask, defaultIntervalMs: number | null): readonly ResolvedRate[] {
  if (limits?.rates != null) return limits.rates;
  if (defaultIntervalMs === null) return [];
  return [{ limit: 1000 / defaultIntervalMs, intervalMs: defaultIntervalMs, scope: "node", per: null, name, burst: 1 }];
}

const nodeRateOf = (task: AnyTask, defaultIntervalMs: number | null): ResolvedRate | undefined =>
  declaredRates(task, defaultIntervalMs).find(({ scope, per }) => scope === "node" && per === null);

export const hasNodeRate = (task: AnyTask, { defaultIntervalMs }: Pick<DemandFacts, "defaultIntervalMs">): boolean =>
  nodeRateOf(task, defaultIntervalMs) !== undefined;

/** The line of a rate that the node is told to change: that of the declared one, if there is one, so that who waits there is served. */
export function nodeRateName(task: AnyTask, { nodeName, defaultIntervalMs }: Pick<DemandFacts, "nodeName" | "defaultIntervalMs">): string {
  const declared = nodeRateOf(task, defaultIntervalMs);
  return nameOf(["rate", declared?.name ?? task.name, declared === undefined ? "told" : String(declared.intervalMs), nodeName], null);
}

const nameOf = (of: readonly string[], key: string | null): string => limitKey(key === null ? of : [...of, key]);
