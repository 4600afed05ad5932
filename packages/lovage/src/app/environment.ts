/**
 * The one place that looks around: environment variables, `.env` and `lovage.config.*` of the current folder. Everything
 * else gets settings handed to it. Read once per app, when it is created.
 *
 * - `REDIS_URL`: the broker, unless a setting of ours names one.
 * - `LOVAGE_<SETTING>`: a setting in capitals, `LOVAGE_TASK_ACKS_LATE=false`; Celery's names too, `LOVAGE_BROKER_URL`.
 * - `LOVAGE_CONFIG`: path of the configuration file; default `lovage.config.ts`, `.js`, `.mjs` or `.json` of the folder.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError } from "../kernel/errors.ts";
import { type SettingName, settingAliases, settingsTable } from "./settings.ts";

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

export interface Surroundings {
  readonly variables: EnvironmentVariables;
  readonly dotenv: EnvironmentVariables;
  readonly file: { readonly path: string; readonly settings: Readonly<Record<string, unknown>> } | null;
}

export interface SurroundingsOptions {
  /** @defaultValue process.env */
  readonly environment?: EnvironmentVariables | false;
  /** Folder of `.env` and `lovage.config.*`; false: neither is read. @defaultValue the current one */
  readonly folder?: string | false;
}

const files = ["lovage.config.ts", "lovage.config.mts", "lovage.config.js", "lovage.config.mjs", "lovage.config.json"];

export function readSurroundings(options: SurroundingsOptions = {}): Surroundings {
  const variables = options.environment === false ? {} : (options.environment ?? process.env);
  if (options.folder === false) return { variables, dotenv: {}, file: null };
  const folder = options.folder ?? process.cwd();
  const dotenv = readDotenv(resolve(folder, ".env"));
  return { variables, dotenv, file: readConfigFile(folder, variables.LOVAGE_CONFIG ?? dotenv.LOVAGE_CONFIG) };
}

function readDotenv(path: string): EnvironmentVariables {
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}

function readConfigFile(folder: string, named: string | undefined): Surroundings["file"] {
  const path = (named === undefined ? files : [named]).map((name) => resolve(folder, name)).find((each) => existsSync(each));
  if (path === undefined) {
    if (named === undefined) return null;
    throw new ConfigError("LOVAGE_CONFIG_FILE", `LOVAGE_CONFIG names ${resolve(folder, named)}, and there is no such file.`);
  }
  const settings = loadConfigFile(path);
  if (typeof settings === "object" && settings !== null) return { path, settings: settings as Record<string, unknown> };
  throw new ConfigError("LOVAGE_CONFIG_FILE", `${path} has to export an object of settings as its default export, got ${typeof settings}.`);
}

function loadConfigFile(path: string): unknown {
  try {
    if (path.endsWith(".json")) return JSON.parse(readFileSync(path, "utf8"));
    // Synchronous, so that an app stays a plain value; jiti is loaded only where there is such a file.
    const { createJiti } = createRequire(import.meta.url)("jiti") as typeof import("jiti");
    const loaded = createJiti(path)(path) as { readonly default?: unknown };
    return loaded.default ?? loaded;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError("LOVAGE_CONFIG_FILE", `${path} cannot be loaded: ${why}`, { cause });
  }
}

/** Settings found among environment variables, with the variable that named each. */
export function settingsFromVariables(
  variables: EnvironmentVariables,
): Map<SettingName, { readonly value: unknown; readonly from: string }> {
  const found = new Map<SettingName, { readonly value: unknown; readonly from: string }>();
  if (variables.REDIS_URL) found.set("broker", { value: variables.REDIS_URL, from: "REDIS_URL" });
  for (const [variable, name] of variableNames) {
    const text = variables[variable];
    if (text !== undefined) found.set(name, { value: settingsTable[name].kind.fromText(text), from: variable });
  }
  return found;
}

const variableNames: readonly (readonly [string, SettingName])[] = [...settingAliases].map(
  ([alias, name]) => [`LOVAGE_${alias.replace(/([a-z])([A-Z])/g, "$1_$2").toUpperCase()}`, name] as const,
);
