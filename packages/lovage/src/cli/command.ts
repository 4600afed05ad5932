/** What a command is to the command line: flags, and a run that ends in an exit code. */
import type { Command } from "commander";
import type { App } from "../app/app.ts";
import type { Output } from "./output.ts";

export interface CommandContext {
  readonly output: Output;
  /** `-A`, as given. */
  readonly appModule: string | undefined;
  /** The app of `-A`, loaded and with the command line's `--broker`. @throws {UsageError} without `-A`. */
  loadApp(): Promise<App>;
}

export interface CommandModule {
  /** Declares flags on `command`; `run` is called with the parsed ones and returns the exit code. */
  define(command: Command): Command;
  run(context: CommandContext, args: readonly string[], options: Record<string, never>): Promise<number>;
}
