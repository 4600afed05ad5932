/**
 * Log lines of everything long-running: one event name that stays the same between releases, and its facts as fields.
 * Written synchronously, so that the last lines of a process that is killed are there. No transport, no rotation.
 */
import { writeSync } from "node:fs";
import { isLovageError } from "./errors.ts";
import { openLogFile } from "./log-file.ts";

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "line" | "json";

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Lines of this level are written: for those whose facts cost something. */
  isOn(level: LogLevel): boolean;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Lines below it are dropped. @defaultValue "info" @celery worker -l */
  readonly level?: LogLevel | "silent";
  /** "line" for people, "json" for machines (one object per line). @defaultValue "line" */
  readonly format?: LogFormat;
  readonly fields?: LogFields;
  /** Appended to, in place of stderr. null: none. @throws {ConfigError} LOVAGE_LOGFILE_UNWRITABLE */
  readonly file?: string | null;
  /** Where complete lines go. @defaultValue file descriptor 2 */
  readonly write?: (line: string) => void;
  /** Wall clock in milliseconds. */
  readonly now?: () => number;
}

const ranks = { debug: 10, info: 20, warn: 30, error: 40, silent: 99 } as const;

export function createLogger(options: LoggerOptions = {}): Logger {
  const lowest = ranks[options.level ?? "info"];
  const format = options.format === "json" ? formatJson : formatLine;
  const { file = null } = options;
  const write = options.write ?? (file === null ? writeStderr : openLogFile(file));
  const now = options.now ?? Date.now;
  const withFields = (own: LogFields): Logger => {
    const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
      if (ranks[level] >= lowest) write(format(now(), level, event, { ...own, ...fields }));
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      isOn: (level) => ranks[level] >= lowest,
      child: (more) => withFields({ ...own, ...more }),
    };
  };
  return withFields(options.fields ?? {});
}

const nothing = () => {};
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  isOn: () => false,
  child: () => silentLogger,
};

function formatJson(at: number, level: LogLevel, event: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date(at).toISOString(), level, event, ...mapValues(fields, plain) }, bigintAsText)}\n`;
}

/** `2026-11-21 10:00:00.123 INFO  runner.ready pid=12 epoch=…`; errors put their message and stack on it, LovageErrors their message and code. */
function formatLine(at: number, level: LogLevel, event: string, fields: LogFields): string {
  const time = new Date(at).toISOString().replace("T", " ").replace("Z", "");
  const facts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${asText(value)}`);
  return `${time} ${level.toUpperCase().padEnd(5)} ${event}${facts.join("")}\n`;
}

function asText(value: unknown): string {
  // Our own say what to do; where they were made helps nobody.
  if (isLovageError(value)) return JSON.stringify(`${value.name}: ${value.message} [${value.code}]`);
  if (value instanceof Error) return value.stack ?? String(value);
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value, bigintAsText) ?? String(value);
}

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = (value as { readonly code?: unknown }).code;
  return { name: value.name, ...(code === undefined ? {} : { code }), message: value.message, stack: value.stack };
}

const bigintAsText = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

function mapValues(fields: LogFields, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(value)]));
}

/** A reader that is slow (EAGAIN) or gone (EPIPE) must not end a worker: the line is dropped, the work goes on. */
function writeStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // Nowhere left to say it.
  }
}
