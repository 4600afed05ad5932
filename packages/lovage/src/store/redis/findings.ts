/** What the server's own settings and figures tell of dangers to what we keep on it. */
import type { Finding } from "../store.ts";

/** From here on somebody should do something; at 1 the server takes no more messages. */
const nearlyFull = 0.9;

/** @param memory the section of that name of INFO @param durability as `StoreReport` has it */
export function findingsOf(memory: Readonly<Record<string, string>>, durability: string): readonly Finding[] {
  return [eviction(memory.maxmemory_policy ?? "noeviction"), fullness(memory), persistence(durability)].filter(
    (found) => found !== undefined,
  );
}

/** Queues, in-flight records and parked messages never expire, so only allkeys policies drop them. */
function eviction(policy: string): Finding | undefined {
  if (policy === "noeviction") return undefined;
  const remedy = "Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf.";
  if (!policy.startsWith("allkeys-")) {
    const message = `maxmemory-policy is ${policy}: a full server drops results and chords before they expire. ${remedy}`;
    return { what: "eviction", level: "warning", message };
  }
  const message = `maxmemory-policy is ${policy}: a full server would drop queues and running tasks without a word. ${remedy}`;
  return { what: "eviction", level: "fatal", message };
}

function fullness({ used_memory = "0", maxmemory = "0" }: Readonly<Record<string, string>>): Finding | undefined {
  const [used, most] = [Number(used_memory), Number(maxmemory)];
  if (most === 0 || used < most * nearlyFull) return undefined;
  const share = `${mebibytes(used)} of ${mebibytes(most)} MiB (${Math.round((100 * used) / most)} %)`;
  const message = `Memory is nearly used up: ${share}. At maxmemory sending is refused (LOVAGE_BROKER_FULL) while workers go on. Let them drain the queues, let results expire sooner (resultExpires), or raise maxmemory.`;
  return { what: "memory", level: "warning", message };
}

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

function persistence(durability: string): Finding | undefined {
  if (!durability.startsWith("none")) return undefined;
  const message =
    "Neither AOF nor RDB is on: a restart of the server loses every queued and running task. Turn the append-only file on: redis-cli CONFIG SET appendonly yes, and the same in redis.conf.";
  return { what: "persistence", level: "warning", message };
}
