/** An app's settings as `inspect conf` shows them: under Celery's names, secrets as stars, also those that only Python has. */
import type { ResolvedConfig } from "../../../app/config.ts";
import { type SettingName, type SettingRow, settingsTable } from "../../../app/settings.ts";
import { maskSecrets } from "../../../kernel/mask-secrets.ts";

const stars = "********";
/** Celery's own rule. */
const isHidden = (key: string): boolean => /API|TOKEN|KEY|SECRET|PASS|SIGNATURE|DATABASE/i.test(key);

/** What Celery's tools look for and we have no setting for: as it is here. */
const fixed: Readonly<Record<string, unknown>> = {
  accept_content: ["json"],
  broker_heartbeat: 0,
  deprecated_settings: [],
  enable_utc: true,
  include: [],
  result_serializer: "json",
  task_serializer: "json",
  timezone: "UTC",
  worker_hijack_root_logger: false,
  worker_log_color: false,
};

export function nodeSettings(config: ResolvedConfig, withDefaults: boolean): Readonly<Record<string, unknown>> {
  const answer: Record<string, unknown> = { ...fixed, broker_url: masked("broker_url", config.broker) };
  answer.result_backend = masked("result_backend", config.resultBackend ?? config.broker);
  for (const name of Object.keys(settingsTable) as SettingName[]) {
    if (!withDefaults && config.sources[name] === "default") continue;
    const { celery } = settingsTable[name] as SettingRow<unknown>;
    const key = celery ?? snakeCase(name);
    if (!key.includes(".") && !Object.hasOwn(answer, key)) answer[key] = masked(key, config[name]);
  }
  return answer;
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Any depth: transport options carry passwords too. Functions and the like by their text. */
function masked(key: string, value: unknown): unknown {
  if (isHidden(key)) return stars;
  if (typeof value === "string") return value.includes("://") ? maskSecrets(value) : value;
  if (Array.isArray(value)) return value.map((each) => masked("", each));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(name, each)]));
  return value === null || typeof value === "number" || typeof value === "boolean" ? value : String(value);
}
