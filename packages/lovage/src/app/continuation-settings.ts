/** The app's share of what follows from an outcome. */
import type { ContinuationSettings } from "../execution/facts.ts";
import type { Registry } from "../task/registry.ts";
import type { ResolvedConfig } from "./config.ts";
import { createRouting } from "./routes.ts";

export function continuationSettings(config: ResolvedConfig, registry: Registry): ContinuationSettings {
  return {
    resultExpiresMs: config.resultExpires === null || config.resultExpires === 0 ? null : config.resultExpires * 1000,
    resultExtended: config.resultExtended,
    ignoreResult: config.taskIgnoreResult,
    storeErrorsEvenIfIgnored: config.taskStoreErrorsEvenIfIgnored,
    deadLetter: config.taskDeadLetter,
    inheritPriority: config.taskInheritParentPriority,
    errbacksOnHeaders: config.taskAllowErrorCbOnChordHeader,
    routing: createRouting(config, registry),
    transitionsKept: config.transitionsKept,
    isErrback: (task) => registry.get(task)?.settings.errback ?? false,
    limits: { maxPayloadBytes: config.maxPayloadBytes, typedValues: config.typedValues },
  };
}
