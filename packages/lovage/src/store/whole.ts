import { UsageError } from "../kernel/errors.ts";

/** @throws {UsageError} when a counter would get something else than a whole number. */
export function assertWhole(key: string, fields: Readonly<Record<string, number>>): void {
  for (const [field, by] of Object.entries(fields)) {
    if (Number.isSafeInteger(by)) continue;
    throw new UsageError("LOVAGE_COUNTER_NOT_WHOLE", `Cannot add ${by} to "${field}" of "${key}": counters take whole numbers.`, {
      details: { key, field, by },
    });
  }
}
