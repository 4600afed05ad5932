/** What we must know of the server and of our keys on it before we use either. */
import { ConfigError, isLovageError, StoreRefusedError } from "../../kernel/errors.ts";
import type { StoreReport } from "../store.ts";
import type { Connection } from "./connection.ts";
import { tooOld } from "./failure.ts";
import { findingsOf } from "./findings.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asText, type Info, infoOf, pairs } from "./reply.ts";
import { ReplyError } from "./resp.ts";
import { formatScript } from "./scripts/format.ts";

/** Of our own keys, and the oldest that this release reads: raised with every change of a key or of what stands in it. */
export const storeFormat = 2;
const oldestFormat = 2;
const neededText = oldestFormat === storeFormat ? `${storeFormat}` : `${oldestFormat} to ${storeFormat}`;

/** Which run of which server this is. @throws {ConfigError} LOVAGE_SERVER_TOO_OLD | LOVAGE_STORE_FORMAT */
export async function checkServer(connection: Connection, keys: Keys, name: string): Promise<string> {
  const info = infoOf(await connection.call(["INFO", "server"]));
  assertVersion(info, name);
  await checkFormat(connection, keys, name);
  return info.run_id ?? "";
}

async function checkFormat(connection: Connection, keys: Keys, name: string): Promise<void> {
  const format = await connection.call(["EVAL", formatScript.source, "1", keys.format, String(storeFormat)]).catch(asUnknown);
  if (format === undefined) return;
  const found = Number(String(format));
  if (found >= oldestFormat && found <= storeFormat) return;
  throw new ConfigError(
    "LOVAGE_STORE_FORMAT",
    `${name} holds Lovage data of format ${String(format)} (key "${keys.format}"); this release needs ${neededText}. Drain it with the release that wrote it, or use another namespace.`,
    { details: { found: String(format), oldest: oldestFormat, newest: storeFormat } },
  );
}

/** A replica or a failing disk refuses the write; what follows will say so better. */
function asUnknown(error: unknown): undefined {
  if (!(error instanceof ReplyError)) throw error;
}

/** Scripts say `flags=allow-oom`, which older servers do not know. */
function assertVersion(info: Info, name: string): void {
  const { product, version, least } = productOf(info);
  if (!isOlder(version, least)) return;
  throw tooOld(name, product, version);
}

export function productOf(info: Info): { readonly product: string; readonly version: string; readonly least: string } {
  const valkey = info.valkey_version;
  if (valkey !== undefined) return { product: "Valkey", version: valkey, least: "7.2.0" };
  return { product: "Redis", version: info.redis_version ?? "0", least: "7.0.0" };
}

export function isOlder(version: string, least: string): boolean {
  const found = version.split(".").map(Number);
  for (const [i, wanted] of least.split(".").map(Number).entries()) {
    const part = found[i] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}

/** What a fleet stands on, for people. Settings that we may not read are left out. */
export async function report(link: Link, deadlineMs: number): Promise<StoreReport> {
  const info = async (section: string) => infoOf(await link.call(["INFO", section], { deadlineMs }));
  const [server, persistence, memory, settings] = await Promise.all([
    info("server"),
    info("persistence"),
    info("memory"),
    readSettings(link, deadlineMs),
  ]);
  const { product, version } = productOf(server);
  const durability = durabilityOf(persistence, settings);
  return { server: `${product} ${version}`, durability, findings: findingsOf(memory, durability) };
}

async function readSettings(link: Link, deadlineMs: number): Promise<Info> {
  try {
    const reply = await link.call(["CONFIG", "GET", "save", "appendfsync"], { deadlineMs });
    return Object.fromEntries([...pairs(reply)].map(([name, value]) => [asText(name), asText(value)]));
  } catch (error) {
    if (error instanceof StoreRefusedError || isLovageError(error, "LOVAGE_STORE_ACCESS")) return {};
    throw error;
  }
}

function durabilityOf(info: Info, settings: Info): string {
  if (info.aof_enabled === "1") return `append-only file, appendfsync ${settings.appendfsync ?? "unknown (CONFIG is not allowed)"}`;
  if (settings.save === undefined) return "unknown (no append-only file; CONFIG is not allowed, so snapshots may be on)";
  return settings.save === ""
    ? "none (no append-only file, no snapshots)"
    : `snapshots (save ${settings.save}): what came after the last one is lost`;
}
