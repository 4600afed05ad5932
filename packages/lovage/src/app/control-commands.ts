/** Commands for remote control that an app brings along: its own names beside Celery's. */
import { ConfigError } from "../kernel/errors.ts";

export interface ControlCommandContext {
  /** The node that was asked. */
  readonly nodeName: string;
}

/** Gets the arguments as the caller wrote them; what it returns, or throws, is the node's answer. */
export type ControlCommandFunction = (args: Readonly<Record<string, unknown>>, context: ControlCommandContext) => unknown;

/** A function, or one with its time. It runs in a runner, between tasks and beside those that await. */
export type ControlCommand =
  | ControlCommandFunction
  | {
      readonly run: ControlCommandFunction;
      /** Milliseconds until the caller gets an error instead. @defaultValue 1000 */
      readonly timeoutMs?: number;
    };

export interface ResolvedCommand {
  readonly run: ControlCommandFunction;
  readonly timeoutMs: number;
}

/** @throws {ConfigError} LOVAGE_CONTROL_COMMAND_INVALID */
export function resolveCommands(commands: Readonly<Record<string, ControlCommand>> = {}): ReadonlyMap<string, ResolvedCommand> {
  return new Map(
    Object.entries(commands).map(([name, command]) => {
      const { run, timeoutMs = 1000 } = typeof command === "function" ? { run: command } : command;
      if (typeof run === "function" && Number.isFinite(timeoutMs) && timeoutMs > 0) return [name, { run, timeoutMs }];
      throw new ConfigError(
        "LOVAGE_CONTROL_COMMAND_INVALID",
        `The control command "${name}" is none: expected a function (args) => answer, or { run, timeoutMs } with milliseconds above 0.`,
        { details: { command: name } },
      );
    }),
  );
}
