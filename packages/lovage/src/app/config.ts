/**
 * From all places where a setting may stand to one frozen whole. The first that names a value wins: command-line flags,
 * options in code, environment, `.env`, configuration file, default. All mistakes are reported at once, secrets masked.
 */

import { didYouMean } from "../kernel/did-you-mean.ts";
import { ConfigError } from "../kernel/errors.ts";
import { maskSecrets } from "../kernel/mask-secrets.ts";
import { type Surroundings, settingsFromVariables } from "./environment.ts";
import { Unacceptable } from "./setting-kinds.ts";
import { type SettingName, type SettingRow, type Settings, settingAliases, settingsTable } from "./settings.ts";

export interface DescribedSetting {
  readonly name: SettingName;
  /** As people may see it. */
  readonly value: unknown;
  /** "flags", "options", "environment REDIS_URL", ".env LOVAGE_…", the file's path, or "default". */
  readonly source: string;
}

export interface ResolvedConfig extends Settings {
  /** The app's. */
  readonly name: string;
  readonly sources: Readonly<Record<SettingName, string>>;
  /** Every setting with its source, passwords masked. */
  described(): readonly DescribedSetting[];
}

export interface ConfigLayers {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly surroundings?: Surroundings;
}

interface Found {
  readonly value: unknown;
  readonly source: string;
}

/** @throws {ConfigError} LOVAGE_CONFIG_INVALID with every mistake, or the mistake's own code where it is the only one. */
export function resolveConfig(name: string, layers: ConfigLayers = {}): ResolvedConfig {
  const problems: Problem[] = [];
  const found = new Map<SettingName, Found>();
  for (const layer of inOrder(layers, problems)) for (const [key, each] of layer) if (!found.has(key)) found.set(key, each);
  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of Object.keys(settingsTable) as SettingName[]) {
    const { value, source } = found.get(key) ?? { value: settingsTable[key].default, source: "default" };
    values[key] = accepted(key, value, source, problems);
    sources[key] = source;
  }
  checkTogether(values as unknown as Settings, problems);
  if (problems.length > 0) throw asError(name, problems);
  return freezeConfig(name, values as unknown as Settings, sources as Record<SettingName, string>);
}

export interface Problem {
  readonly code: `LOVAGE_${string}`;
  readonly text: string;
}

function inOrder({ flags, options, surroundings }: ConfigLayers, problems: Problem[]): Map<SettingName, Found>[] {
  const fromVariables = (variables: Surroundings["variables"] | undefined, place: string) =>
    new Map([...settingsFromVariables(variables ?? {})].map(([key, { value, from }]) => [key, { value, source: `${place} ${from}` }]));
  const { file } = surroundings ?? {};
  return [
    named(flags ?? {}, "flags", problems),
    named(options ?? {}, "options", problems),
    fromVariables(surroundings?.variables, "environment"),
    fromVariables(surroundings?.dotenv, ".env"),
    named(file?.settings ?? {}, file?.path ?? "file", problems),
  ];
}

function named(given: Readonly<Record<string, unknown>>, source: string, problems: Problem[]): Map<SettingName, Found> {
  const found = new Map<SettingName, Found>();
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const name = settingAliases.get(key);
    if (name === undefined) problems.push({ code: "LOVAGE_SETTING_UNKNOWN", text: unknownSetting(key, source) });
    else found.set(name, { value, source });
  }
  return found;
}

function unknownSetting(key: string, source: string): string {
  return `${key} (${source}): there is no such setting.${didYouMean(key, settingAliases.keys())}`;
}

function accepted(name: SettingName, value: unknown, source: string, problems: Problem[]): unknown {
  const { kind, secret } = settingsTable[name] as SettingRow<unknown>;
  const result = kind.accept(value);
  if (!(result instanceof Unacceptable)) return result;
  const shown = secret ? maskSecrets(String(value)) : value;
  problems.push({
    code: "LOVAGE_SETTING_INVALID",
    text: `${name} (${source}) is ${JSON.stringify(shown) ?? String(shown)}: expected ${result.expected}.`,
  });
  return settingsTable[name].default;
}

function checkTogether(settings: Settings, problems: Problem[]): void {
  const {
    broker,
    resultBackend,
    taskTimeLimit,
    taskSoftTimeLimit,
    workerMaxMemoryPerChild: most,
    workerHardMemoryPerChild: hard,
  } = settings;
  if (most !== null && hard !== null && most > hard)
    problems.push({
      code: "LOVAGE_SETTING_INVALID",
      text: `workerMaxMemoryPerChild (${most} KiB) is above workerHardMemoryPerChild (${hard} KiB): it could never be reached. Lower it.`,
    });
  if (resultBackend !== null && serverOf(resultBackend) !== serverOf(broker))
    problems.push({
      code: "LOVAGE_RESULT_BACKEND_UNSUPPORTED",
      text:
        `resultBackend is ${maskSecrets(resultBackend)} and broker is ${maskSecrets(broker)}: in this release results live on the broker's server and database. ` +
        "Leave resultBackend out, or give it the broker's URL.",
    });
  if (taskTimeLimit !== null && taskSoftTimeLimit !== null && taskSoftTimeLimit > taskTimeLimit)
    problems.push({
      code: "LOVAGE_SETTING_INVALID",
      text: `taskSoftTimeLimit (${taskSoftTimeLimit} s) is above taskTimeLimit (${taskTimeLimit} s): it could never be reached. Lower it.`,
    });
}

/** What tells one store from another: credentials and the spelling of defaults do not. */
function serverOf(url: string): string {
  if (!/^(redis|rediss|valkey|valkeys):\/\//i.test(url) || !URL.canParse(url)) return url;
  const { protocol, hostname, port, pathname } = new URL(url);
  return `${protocol.replace("valkey", "redis")}//${hostname || "localhost"}:${port || "6379"}/${Number(pathname.slice(1) || "0")}`;
}

function asError(name: string, problems: readonly Problem[]): ConfigError {
  const [first] = problems;
  const code = first !== undefined && problems.length === 1 ? first.code : "LOVAGE_CONFIG_INVALID";
  const lines = problems.map(({ text }) => `  - ${text}`).join("\n");
  return new ConfigError(
    code,
    `The configuration of app "${name}" has ${problems.length === 1 ? "a mistake" : `${problems.length} mistakes`}:\n${lines}`,
    {
      details: { app: name, problems: problems.map(({ text }) => text) },
    },
  );
}

function freezeConfig(name: string, values: Settings, sources: Record<SettingName, string>): ResolvedConfig {
  const described = () =>
    (Object.keys(settingsTable) as SettingName[]).map((key) => ({ name: key, value: shown(key, values[key]), source: sources[key] }));
  return Object.freeze({ ...values, name, sources: Object.freeze(sources), described });
}

function shown(name: SettingName, value: unknown): unknown {
  return typeof value === "string" && (settingsTable[name] as SettingRow<unknown>).secret ? maskSecrets(value) : value;
}
