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

export interface DemandFacts {
  /** Rates that are each node's own are counted under it. */
  readonly nodeName: string;
  /** `taskDefaultRateLimit`, milliseconds from start to start; null: none. */
  readonly defaultIntervalMs: number | null;
  /** `workerDisableRateLimits`. */
  readonly noRates: boolean;
}

export function demandFacts(config: App["config"], nodeName: string): DemandFacts {
  const { taskDefaultRateLimit: rate, workerDisableRateLimits: noRates } = config;
  return { nodeName, defaultIntervalMs: rate === null ? null : (rateIntervalMs(rate) ?? null), noRates };
}

/** Cheap: asked for every message. */
export function isLimited(
  { settings: { limits } }: AnyTask,
  { lovage }: TaskMessage,
  { defaultIntervalMs, noRates }: DemandFacts,
): boolean {
  return limits !== null || (defaultIntervalMs !== null && !noRates) || lovage.unique?.until === "start";
}

/** Concurrency first: a token is not spent on what cannot run. @throws what a key function, or the binding of arguments, throws. */
export async function demandsOf(task: AnyTask, message: TaskMessage, facts: DemandFacts): Promise<readonly Demand[]> {
  const { limits } = task.settings;
  const concurrency = limits?.concurrency ?? null;
  const rates = facts.noRates ? [] : (limits?.rates ?? defaultRates(task, facts));
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
  return demands;
}

const defaultRates = ({ name }: AnyTask, { defaultIntervalMs }: DemandFacts): readonly ResolvedRate[] =>
  defaultIntervalMs === null ? [] : [{ intervalMs: defaultIntervalMs, scope: "node", per: null, name, burst: 1 }];

const nameOf = (of: readonly string[], key: string | null): string => limitKey(key === null ? of : [...of, key]);
