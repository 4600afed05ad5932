/**
 * What a caller may ask for: Celery's bounds (celery 5.6 app/task.py), on Redis with 0 as the most urgent. A message that comes
 * from elsewhere keeps whatever number it has; the store takes the nearest of these (celery-wire.md §1.3).
 */
import { UsageError } from "./errors.ts";

export const leastUrgent = 9;

export const priorityIs = `a whole number, 0 (most urgent) to ${leastUrgent}`;

export const isPriority = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= leastUrgent;

/** @throws {UsageError} LOVAGE_SEND_OPTIONS_INVALID; undefined passes. */
export function checkPriority(whose: string, value: unknown): void {
  if (value === undefined || isPriority(value)) return;
  throw new UsageError("LOVAGE_SEND_OPTIONS_INVALID", `${whose} is ${JSON.stringify(value)}: expected ${priorityIs}.`, {
    details: { option: "priority", value },
  });
}
