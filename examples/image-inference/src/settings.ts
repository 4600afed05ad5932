/**
 * What may be set from outside, read once: the environment, then `.env.local`, `.env.<LOVAGE_ENV>` and `.env` of the current
 * folder; the first that names a variable has it. Everything that is wrong is said at once. `node dist/settings.js` prints what holds.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { z } from "zod";

const aStorage = z
  .string()
  .min(1, "must name a folder or a bucket")
  .transform((place) => (place.includes("://") ? place : path.resolve(place)));
const aWhole = (low: number, high: number) =>
  z
    .string()
    .regex(/^\d+$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= low && value <= high, `must be from ${low} to ${high}`);

const schema = z.strictObject({
  /** Queue and results lie in this database, the job service's records and cancel flags in database 1 beside it. */
  REDIS_URL: z
    .string()
    .refine((text) => /^rediss?:$/.test(parseUrl(text)?.protocol ?? ""), "must be a redis:// or rediss:// URL")
    .refine((text) => parseUrl(text)?.pathname !== "/1", "must not name database 1: the job service's records are there")
    .optional(),
  IMAGE_STORAGE: aStorage.default(path.resolve(".lovage/image-inference/jobs")),
  IMAGE_MODEL: z
    .string()
    .transform((file) => path.resolve(file))
    .refine((file) => existsSync(file), "must name a file that is there")
    .default(fileURLToPath(new URL("../model/kinds.onnx", import.meta.url))),
  IMAGE_MAX_FILES: aWhole(1, 1000).default(100),
  IMAGE_MAX_BYTES: aWhole(1000, 1e9).default(50_000_000),
  IMAGE_VISIBILITY: z
    .string()
    .regex(/^\d+[smh]?$/, 'must be seconds, or a duration like "4h"')
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : text))
    .default("4h"),
  /** Devices for the GPU node's runners, such as "0" or "0,1"; empty: whatever the machine shows. */
  IMAGE_GPUS: z
    .string()
    .regex(/^(\d+(,\d+)*)?$/, 'must be device numbers like "0,1"')
    .transform((text) => text.split(",").filter(Boolean))
    .default([]),
});

export type Settings = Readonly<z.output<typeof schema>> & {
  /** Where job records and cancel flags are; undefined: with the queue, in the embedded store. */
  readonly state: string | undefined;
};

type Variables = Readonly<Record<string, string | undefined>>;

/** @throws {SettingsError} that names every bad variable. */
export function readSettings(environment: Variables = process.env, folder = process.cwd()): Settings {
  const { values } = gather(environment, folder);
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new SettingsError(parsed.error.issues.flatMap((issue) => complaints(issue, values)));
  const { REDIS_URL } = parsed.data;
  return { ...parsed.data, state: REDIS_URL === undefined ? undefined : inDatabase1(REDIS_URL) };
}

export class SettingsError extends Error {
  readonly code = "SETTINGS_INVALID";

  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.name = "SettingsError";
  }
}

interface Gathered {
  readonly values: Readonly<Record<string, string>>;
  /** Where each comes from. */
  readonly from: Readonly<Record<string, string>>;
}

/** Ours: what the schema names, and whatever begins with IMAGE_, so that a slip of the pen is found. */
function gather(environment: Variables, folder: string): Gathered {
  const stage = environment.LOVAGE_ENV;
  const files = [".env.local", ...(stage ? [`.env.${stage}`] : []), ".env"].map((name) => path.resolve(folder, name));
  const sources: (readonly [string, Variables])[] = [
    ["environment", environment],
    ...files.filter((file) => existsSync(file)).map((file) => [path.basename(file), parseEnv(readFileSync(file, "utf8"))] as const),
  ];
  const values: Record<string, string> = {};
  const from: Record<string, string> = {};
  for (const [source, variables] of sources) {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined || name in values || !(name in schema.shape || name.startsWith("IMAGE_"))) continue;
      values[name] = value;
      from[name] = source;
    }
  }
  return { values, from };
}

function complaints(issue: z.core.$ZodIssue, values: Readonly<Record<string, string>>): readonly string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => `${key} is no setting; there are ${Object.keys(schema.shape).join(", ")}`);
  const name = String(issue.path[0]);
  return [`${name} ${issue.message}, got "${masked(values[name] ?? "")}"`];
}

/** A line per setting: its value, and where that comes from. Passwords are not shown. */
export function describeSettings(environment: Variables = process.env, folder = process.cwd()): string {
  const settings = readSettings(environment, folder);
  const { from } = gather(environment, folder);
  return Object.keys(schema.shape)
    .map((name) => {
      const value = settings[name as keyof typeof schema.shape];
      return `${name}=${masked(String(value ?? ""))}  (${from[name] ?? "default"})`;
    })
    .join("\n");
}

/** Whatever stands between "//" and "@": user and password, also of what is no URL otherwise. */
const masked = (text: string): string => text.replace(/\/\/.*@/, "//***@");

function inDatabase1(url: string): string {
  const state = new URL(url);
  state.pathname = "/1";
  return state.href;
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(describeSettings());
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(error.message);
    // EX_CONFIG of sysexits.h.
    process.exitCode = 78;
  }
}
