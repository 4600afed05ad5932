/** What we must know of the server and of our keys on it before we use either. */
import { ConfigError } from "../../kernel/errors.ts";
import type { StoreReport } from "../store.ts";
import { isReplyError } from "./failure.ts";
import type { Keys } from "./keys.ts";
import type { Link, RawClient, Reply } from "./link.ts";
import { formatScript } from "./scripts/format.ts";

/** Of our own keys. A release reads its own format and the one before. */
export const storeFormat = 1;
const oldestFormat = 1;

/** @throws {ConfigError} LOVAGE_SERVER_TOO_OLD | LOVAGE_STORE_FORMAT */
export async function checkServer(client: RawClient, keys: Keys, name: string): Promise<void> {
  assertVersion(parseInfo(await client.sendCommand(["INFO", "server"])), name);
  const format = await client.sendCommand(["EVAL", formatScript.source, "1", keys.format, String(storeFormat)]).catch(asUnknown);
  if (format === undefined) return;
  const found = Number(String(format));
  if (found >= oldestFormat && found <= storeFormat) return;
  throw new ConfigError(
    "LOVAGE_STORE_FORMAT",
    `${name} holds Lovage data of format ${String(format)} (key "${keys.format}"); this release reads ${oldestFormat} to ${storeFormat}. Use the release that wrote it, or another namespace.`,
    { details: { found: String(format), oldest: oldestFormat, newest: storeFormat } },
  );
}

/** A replica or a failing disk refuses the write; what follows will say so better. */
function asUnknown(error: unknown): undefined {
  if (!isReplyError(error)) throw error;
}

type Info = Readonly<Record<string, string>>;

function parseInfo(reply: Reply): Info {
  const lines = String(reply)
    .split("\r\n")
    .map((line) => line.split(":"));
  return Object.fromEntries(lines.filter((pair) => pair.length > 1).map(([field, ...value]) => [field, value.join(":")]));
}

/** Scripts say `flags=allow-oom`, which older servers do not know. */
function assertVersion(info: Info, name: string): void {
  const { product, version, least } = productOf(info);
  if (!isOlder(version, least)) return;
  throw new ConfigError(
    "LOVAGE_SERVER_TOO_OLD",
    `${name} is ${product} ${version}; Lovage needs Redis 7.0 or Valkey 7.2 or newer. Upgrade the server, or use sqlite: meanwhile.`,
    { details: { product, version, least } },
  );
}

function productOf(info: Info): { readonly product: string; readonly version: string; readonly least: string } {
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

export async function report(link: Link, deadlineMs: number): Promise<StoreReport> {
  const text = async (section: string) => parseInfo(await link.call(["INFO", section], deadlineMs));
  const [server, persistence, memory] = [await text("server"), await text("persistence"), await text("memory")];
  const { product, version } = productOf(server);
  const policy = memory.maxmemory_policy ?? "noeviction";
  const warnings: string[] = [];
  // Queues, in-flight records and parked messages have no expiry, so volatile-* policies leave them alone.
  if (policy.startsWith("allkeys-"))
    warnings.push(
      `maxmemory-policy is ${policy}: a full server would drop queues and running tasks without a word. Set it to noeviction (or volatile-ttl).`,
    );
  else if (policy !== "noeviction")
    warnings.push(`maxmemory-policy is ${policy}: a full server drops results and chords before they expire. Set it to noeviction.`);
  const durability = durabilityOf(persistence);
  if (durability.startsWith("none"))
    warnings.push("Neither AOF nor RDB is on: a restart of the server loses every queued and running task.");
  return { server: `${product} ${version}`, durability, warnings };
}

function durabilityOf(info: Info): string {
  if (info.aof_enabled === "1") return "append-only file (what appendfsync says: everysec loses up to 1 s)";
  // Redis names the time of the last snapshot even if none is configured, so only changes without a save tell.
  return info.rdb_last_bgsave_status === "ok" && info.rdb_saves !== "0"
    ? "snapshots (RDB): what came after the last one is lost with the server"
    : "none known (no append-only file, no snapshot taken)";
}
