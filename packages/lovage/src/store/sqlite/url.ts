/** `sqlite:./lovage.db` (from where the process stands), `sqlite:///var/lib/lovage.db`; `?synchronous=normal`, `?maxbytes=…`. */
import { resolve } from "node:path";
import { ConfigError } from "../../kernel/errors.ts";
import { largestValueBytes } from "../refusals.ts";

export interface Location {
  /** As in the URL, for people. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** FULL: what was acknowledged outlives a power cut. NORMAL: it outlives a crash of any process, and a power cut may take the last moments. */
  readonly synchronous: "FULL" | "NORMAL";
  /** The largest message or result taken. */
  readonly maxBytes: number;
}

/** @throws {ConfigError} */
export function parseUrl(url: string): Location {
  const [before = "", query = ""] = splitAt(url, "?");
  const path = decode(url, before.replace(/^sqlite:/, "").replace(/^\/\/(?=\/)/, ""));
  if (path === "" || path.startsWith("//") || path === ":memory:") {
    throw refused(url, "expected sqlite:./file.db or sqlite:///folder/file.db (memory: is the store without a file)");
  }
  const parameters = new URLSearchParams(query);
  for (const key of parameters.keys()) {
    if (key !== "synchronous" && key !== "maxbytes") throw refused(url, `unknown parameter "${key}"; known are synchronous and maxbytes`);
  }
  return { name: before, path: resolve(path), synchronous: synchronous(url, parameters), maxBytes: maxBytes(url, parameters) };
}

function synchronous(url: string, parameters: URLSearchParams): "FULL" | "NORMAL" {
  const value = (parameters.get("synchronous") ?? "full").toUpperCase();
  if (value === "FULL" || value === "NORMAL") return value;
  throw refused(url, `synchronous is "${parameters.get("synchronous")}"; allowed are full (default) and normal`);
}

function maxBytes(url: string, parameters: URLSearchParams): number {
  const text = parameters.get("maxbytes");
  if (text === null) return largestValueBytes;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0 && value <= largestValueBytes) return value;
  throw refused(url, `maxbytes is "${text}"; allowed is a whole number from 1 to ${largestValueBytes}`);
}

function splitAt(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(url: string, path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw refused(url, "its percent signs do not form characters; write % as %25");
  }
}

const refused = (url: string, why: string): ConfigError =>
  new ConfigError("LOVAGE_STORE_URL", `Cannot open "${url}": ${why}.`, { details: { url } });
