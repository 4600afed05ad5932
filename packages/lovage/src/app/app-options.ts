/** What `createApp` is given, and the settings that come of it and of its surroundings. */
import type { LookupFunction } from "node:net";
import type { Clock } from "../kernel/clock.ts";
import { ConfigError } from "../kernel/errors.ts";
import type { Middleware } from "../middleware/middleware.ts";
import type { TaskCollection } from "../task/registry.ts";
import type { InlineFallback } from "./app.ts";
import { type ResolvedConfig, resolveConfig } from "./config.ts";
import type { ControlCommand } from "./control-commands.ts";
import { type EnvironmentVariables, readSurroundings } from "./environment.ts";
import type { SettingsInput } from "./settings.ts";

export interface AppOptions extends Omit<SettingsInput, "publishFallback"> {
  /** For error messages, logs and once-keys. @defaultValue "lovage" */
  readonly name?: string;
  /** Tasks under any keys, a list, or modules of tasks (`import * as tasks`); what is no task in them is left out. */
  readonly tasks?: TaskCollection | readonly TaskCollection[];
  /** In place of the default list; put `...defaultMiddleware` into yours to keep what it does. */
  readonly middleware?: readonly Middleware[];
  /** Once per runner, before its first task: load the model, open the pool. Those of tasks come after it. */
  readonly setup?: () => unknown;
  readonly teardown?: () => unknown;
  /** Environment variables to read settings from; false: none. @defaultValue process.env */
  readonly environment?: EnvironmentVariables | false;
  /** Folder of `.env` and `lovage.config.*`; false: neither is read. @defaultValue the current one */
  readonly folder?: string | false;
  /** Other names for `broker`, `taskRoutes` and so on are accepted too; see the table of settings. */
  readonly brokerUrl?: string;
  readonly routes?: SettingsInput["taskRoutes"];
  readonly queues?: SettingsInput["taskQueues"];
  /** What becomes of a send while the broker is away. @defaultValue "throw" */
  readonly publishFallback?: "throw" | "spool" | InlineFallback;
  /** Remote control of one's own: `lovage control NAME`, `app.control.broadcast("NAME")` in Python. They run in a runner. */
  readonly controlCommands?: Readonly<Record<string, ControlCommand>>;
  readonly clock?: Clock;
  /** Background faults of the store: a lost connection, a bell that was rebuilt. @defaultValue a process warning */
  readonly onFault?: (fault: unknown) => void;
  /** Resolves the host names of Redis servers, anew for each connection. @defaultValue the system's resolver */
  readonly lookup?: LookupFunction;
}

export const inlineOf = ({ publishFallback }: AppOptions): InlineFallback | undefined =>
  typeof publishFallback === "object" ? publishFallback : undefined;

/** @throws {ConfigError} LOVAGE_CONFIG_INVALID, LOVAGE_SETTING_INVALID */
export function resolveOptions(name: string, options: AppOptions, flags?: Readonly<Record<string, unknown>>): ResolvedConfig {
  const {
    name: _,
    tasks,
    controlCommands,
    middleware,
    setup,
    teardown,
    environment,
    folder,
    clock,
    onFault,
    lookup,
    publishFallback,
    ...rest
  } = options;
  const settings = { ...rest, publishFallback: inlineOf(options) === undefined ? publishFallback : "inline" };
  const surroundings = readSurroundings({ ...(environment !== undefined && { environment }), ...(folder !== undefined && { folder }) });
  const config = resolveConfig(name, { ...(flags !== undefined && { flags }), options: settings, surroundings });
  if (config.publishFallback === "inline" && inlineOf(options) === undefined)
    throw new ConfigError(
      "LOVAGE_SETTING_INVALID",
      `publishFallback (${config.sources.publishFallback}) is "inline", which runs tasks in this process: say so in code, createApp({ publishFallback: inlineFallback() }) with inlineFallback from "lovage/worker".`,
    );
  return config;
}

export function collections(tasks: AppOptions["tasks"]): readonly TaskCollection[] {
  if (tasks === undefined) return [];
  if (!Array.isArray(tasks)) return [tasks as TaskCollection];
  return (tasks as readonly TaskCollection[]).flatMap((each) => ("name" in each && "handler" in each ? [[each] as never] : [each]));
}
