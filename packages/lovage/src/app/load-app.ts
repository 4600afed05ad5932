/**
 * Loads a user's app module, as `-A` names it, in supervisors and in runners. TypeScript goes through Node's own type
 * stripping where this Node has it, else through jiti; everything that is not TypeScript is always imported by Node itself, so
 * that the user's `import "lovage"` and ours are the same instance.
 */
import { existsSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError } from "../kernel/errors.ts";
import type { App } from "./app.ts";

const typescript = [".ts", ".mts", ".cts", ".tsx"];
/** Tried in this order when the name has no extension, or is a folder. */
const endings = [".ts", ".mts", ".js", ".mjs", ".cts", ".cjs", "/app.ts", "/app.js", "/index.ts", "/index.js"];

interface AppModule {
  readonly default?: unknown;
  readonly app?: unknown;
  readonly [name: string]: unknown;
}

export interface LoadOptions {
  /** Folder that a relative name starts from. @defaultValue the current one */
  readonly from?: string;
  /** Settings of the command line, over all others. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

export interface LoadedApp {
  readonly app: App;
  /** Absolute path of its module: what a runner loads. */
  readonly path: string;
  /** All that the module exports: `jobs` is what the job service serves. */
  readonly exports: Readonly<Record<string, unknown>>;
}

/**
 * @param name Path or file URL of a module whose default export (or export named `app`) is an app.
 * @throws {ConfigError} LOVAGE_APP_NOT_FOUND, LOVAGE_APP_LOAD_FAILED (with the cause) or LOVAGE_APP_INVALID (with what was exported).
 */
export async function loadApp(name: string, options: LoadOptions = {}): Promise<LoadedApp> {
  const path = findAppModule(name, options.from);
  const exported = await importModule(path);
  const app = [exported.default, exported.app].find(isApp);
  if (!app)
    throw new ConfigError(
      "LOVAGE_APP_INVALID",
      `The module ${path} has to export an app as its default export, as in \`export default createApp({ … })\`; it exports ${describe(exported)}.`,
      { details: { path, exports: Object.keys(exported) } },
    );
  if (options.flags && Object.keys(options.flags).length > 0) app.configure(options.flags);
  return { app, path, exports: exported };
}

/** Absolute path of the module. @throws {ConfigError} LOVAGE_APP_NOT_FOUND with all places that were tried. */
export function findAppModule(name: string, from: string = process.cwd()): string {
  const base = name.startsWith("file:") ? fileURLToPath(name) : resolve(from, name);
  const tried = [base, ...endings.map((ending) => base + ending)];
  const found = tried.find((path) => existsSync(path) && statSync(path).isFile());
  if (found) return found;
  throw new ConfigError(
    "LOVAGE_APP_NOT_FOUND",
    `There is no app module "${name}": looked for ${base} and for it with ${endings.join(", ")}. Name it with -A, relative to ${from}.`,
    { details: { name, from } },
  );
}

async function importModule(path: string): Promise<AppModule> {
  const url = pathToFileURL(path).href;
  try {
    if (!typescript.includes(extname(path))) return await import(url);
    return (await importNatively(url)) ?? (await importByJiti(path));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError("LOVAGE_APP_LOAD_FAILED", `The app module ${path} cannot be loaded: ${said}`, { cause, details: { path } });
  }
}

/** undefined: not for this Node, or not for this code (it strips types, and refuses syntax that is more than types). */
async function importNatively(url: string): Promise<AppModule | undefined> {
  if (!(process.features as { readonly typescript?: unknown }).typescript) return undefined;
  try {
    return await import(url);
  } catch (error) {
    // Both are found before any module of the graph was run, so a second way of loading runs nothing twice.
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" || code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** jiti hands a file whose extension it does not know to Node: knowing TypeScript only keeps every other module single. */
async function importByJiti(path: string): Promise<AppModule> {
  const { createJiti } = await import("jiti");
  const jiti = createJiti(pathToFileURL(path).href, { extensions: [...typescript], interopDefault: false, fsCache: true });
  return jiti.import(path);
}

/** By shape: the app may come from another copy of this package. */
function isApp(value: unknown): value is App {
  if (typeof value !== "object" || value === null) return false;
  const app = value as Partial<Record<keyof App, unknown>>;
  return typeof app.config === "object" && typeof app.registry === "object" && typeof app.send === "function";
}

function describe(exported: AppModule): string {
  const names = Object.entries(exported).map(([name, value]) => `${name} (${kindOf(value)})`);
  return names.length === 0 ? "nothing" : names.join(", ");
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return value.constructor?.name ?? "object";
}
