/** What a command is to the command line: flags, and a run that ends in an exit code. */
import type { Command } from "commander";
import type { App } from "../app/app.ts";
import type { Described } from "./completion/described.ts";
import type { Connection } from "./connect.ts";
import type { Output } from "./output.ts";

export interface CommandContext {
  readonly output: Output;
  /** `-A`, as given. */
  readonly appModule: string | undefined;
  /** Settings of the command line, over all others. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** It is up, and goes on: from now on faults of the store are warnings, as they are no end of it. */
  serving(): void;
  /** All that there are. */
  commands(): Promise<readonly Described[]>;
  /** Of the app of `-A`, or without it of the settings found here: no app is loaded. For commands that look at nodes and tell them. */
  connect(): Promise<Connection>;
  /** The app of `-A`, or without it one that knows where the store is and no tasks. */
  loadApp(): Promise<App>;
}

export interface CommandModule {
  /** Whole command lines, shown below the flags by `--help`. */
  readonly examples: readonly string[];
  /** Declares arguments and flags on `command`; `run` is called with the parsed ones and returns the exit code. */
  define(command: Command): Command;
  run(context: CommandContext, args: readonly string[], options: never): Promise<number>;
}
