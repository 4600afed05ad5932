/** Events of a task's own, for those who follow its workflow: they stand in the same log as its progress, in order. */
import { UsageError } from "../kernel/errors.ts";
import type { ProgressEntry } from "./run-controls.ts";

/**
 * What tasks emit, by name: add yours, and `run.emit()` checks the data. A name that is not listed takes any data.
 * @example
 * declare module "lovage" {
 *   interface RunEvents {
 *     "agent.step": { readonly step: string; readonly pages: number };
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: users add to it
export interface RunEvents {}

export type RunEventName = keyof RunEvents | `${string}.${string}`;
export type RunEventData<E extends RunEventName> = E extends keyof RunEvents ? RunEvents[E] : unknown;

/** Dotted, so that no name is one of a transport's own ("error", "progress"), and none can break a line of its protocol. */
const eventName = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/;
const maxNameChars = 100;
/** A log keeps 500 entries, and each reader is sent all of them. */
const maxEventBytes = 16_384;

/** @throws {UsageError} LOVAGE_EVENT_INVALID */
export function eventLine(entry: ProgressEntry & { readonly event: string }): string {
  const { task, event } = entry;
  if (typeof event !== "string" || event.length > maxNameChars || !eventName.test(event))
    refuse(task, event, `expected a name such as "agent.step": words of letters, digits, _ and -, joined by dots`);
  let line: string;
  try {
    line = JSON.stringify(entry);
  } catch (cause) {
    return refuse(task, event, `its data is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const bytes = Buffer.byteLength(line);
  if (bytes > maxEventBytes)
    refuse(task, event, `it has ${bytes} bytes, and at most ${maxEventBytes} are allowed. Emit where it lies instead`);
  return line;
}

function refuse(task: string, event: unknown, problem: string): never {
  throw new UsageError("LOVAGE_EVENT_INVALID", `Task "${task}" cannot emit ${JSON.stringify(event)}: ${problem}.`, {
    details: { task, event },
  });
}
