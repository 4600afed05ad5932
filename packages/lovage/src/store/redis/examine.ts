/** What `lovage doctor` asks of a Redis: slow questions, about keys that nobody should need, and about Python's side. Changes nothing. */
import { isLovageError } from "../../kernel/errors.ts";
import type { Epoch } from "../../message/commit.ts";
import type { Finding } from "../store.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asList, asNumber, asText } from "./reply.ts";
import { storeFormat } from "./server.ts";
import type { Endpoint } from "./url.ts";

export interface ExamineOptions {
  readonly link: Link;
  readonly keys: Keys;
  readonly endpoint: Endpoint;
}

/** A keyspace may have millions of results in it. */
const scanAtMostMs = 10_000;
const perScan = 5000;
/** kombu's default `visibility_timeout`. */
const visibilityMs = 3_600_000;

export async function examine(options: ExamineOptions): Promise<readonly Finding[]> {
  const questions = [encryption, connections, unacknowledged, leftovers];
  const parts = await Promise.all(questions.map((question) => question(options).catch(asForbidden)));
  return parts.flat();
}

function asForbidden(error: unknown): readonly Finding[] {
  if (!isLovageError(error, "LOVAGE_STORE_ACCESS")) throw error;
  return [{ what: "forbidden", level: "note", message: `Not everything could be looked at. ${error.message}` }];
}

/** Epochs that hold messages and that nobody will ever close or settle. */
export async function strandedEpochs(link: Link, keys: Keys): Promise<readonly Epoch[]> {
  const { names } = await ourKeys(link, keys);
  return stranded(link, keys, names);
}

async function encryption({ endpoint: { socket } }: ExamineOptions): Promise<readonly Finding[]> {
  if ("path" in socket || socket.tls === true || /^(localhost|127\.|::1$)/.test(socket.host)) return [];
  const message = `The connection to ${socket.host} is not encrypted: who sees the network reads messages and results. Use rediss:// (sentinels:// with Sentinel).`;
  return [{ what: "tls", level: "note", message }];
}

async function connections({ link }: ExamineOptions): Promise<readonly Finding[]> {
  const [list, info] = (await Promise.all([link.call(["CLIENT", "LIST"]), link.call(["INFO", "clients"])])).map((reply) => String(reply));
  const roles = new Map<string, number>();
  for (const [, role = ""] of (list ?? "").matchAll(/ name=lovage:(\S+)/g)) roles.set(role, (roles.get(role) ?? 0) + 1);
  const counts = [...roles].map(([role, count]) => `${count} ${role}`).join(", ");
  const found: Finding[] = [{ what: "connections", level: "note", message: `Connections of Lovage, by role: ${counts}.` }];
  const [used, most] = [/connected_clients:(\d+)/, /maxclients:(\d+)/].map((field) => Number(field.exec(info ?? "")?.[1] ?? 0));
  if (used !== undefined && most !== undefined && most > 0 && used > most * 0.9) {
    const message = `${used} of ${most} connections are in use: the next worker is refused. Raise maxclients, or look who holds them with redis-cli CLIENT LIST.`;
    found.push({ what: "maxclients", level: "warning", message });
  }
  return found;
}

/** celery-wire.md §4.2: what Python's workers have taken and not acknowledged. */
async function unacknowledged({ link, keys }: ExamineOptions): Promise<readonly Finding[]> {
  const count = asNumber(await link.call(["HLEN", keys.unacked]));
  if (count === 0) return [];
  const [, score] = asList(await link.call(["ZRANGE", keys.unackedIndex, "0", "0", "WITHSCORES"])).flat();
  const ageMs = score === undefined ? undefined : Date.now() - asNumber(score) * 1000;
  const old = ageMs === undefined || ageMs > visibilityMs;
  const age =
    ageMs === undefined
      ? "without an entry in unacked_index, so that nobody will give them back"
      : `the oldest for ${Math.round(ageMs / 1000)} s`;
  const remedy = old
    ? "A Python worker gives them back when its visibility_timeout is over: start one with the same queues, or read them with redis-cli HGETALL unacked."
    : "That is as it should be while Python workers run.";
  const message = `${count} message${count === 1 ? " is" : "s are"} taken by Python workers and not acknowledged, ${age}. ${remedy}`;
  return [{ what: "unacked", level: old ? "warning" : "note", message }];
}

async function leftovers({ link, keys }: ExamineOptions): Promise<readonly Finding[]> {
  const { names, complete } = await ourKeys(link, keys);
  const found: Finding[] = [];
  const foreign = names.filter((name) => name.startsWith(keys.root) && !isKnown(keys, name));
  if (foreign.length > 0) {
    const message = `Keys under ${keys.root} of no kind that this release writes, ${foreign.length} in number: ${shown(foreign)}. Another release left them, or somebody's hand; delete them if no node of another release runs.`;
    found.push({ what: "unknown-keys", level: "warning", message });
  }
  for (const name of names.filter((each) => each.endsWith(":format") && !each.startsWith(keys.root))) {
    const format = asText(await link.call(["GET", name]));
    const isOld = format !== String(storeFormat);
    const message = `Another namespace keeps its data here: ${name} says format ${format}${isOld ? `, and this release writes ${storeFormat}` : ""}.`;
    found.push({ what: "namespace", level: isOld ? "warning" : "note", message });
  }
  const lost = await stranded(link, keys, names);
  if (lost.length > 0) {
    const message = `Runners that are gone hold messages, and nobody will notice: ${shown(lost)}. Give them back with lovage doctor --mend while a worker runs.`;
    found.push({ what: "stranded", level: "warning", message });
  }
  if (!complete)
    found.push({
      what: "scan",
      level: "note",
      message: `The keyspace is large: after ${scanAtMostMs / 1000} s the rest of its keys was not looked at.`,
    });
  return found;
}

/** Whether the key builder makes such a key: its texts are whole keys, its functions take what varies at the end. */
function isKnown(keys: Keys, name: string): boolean {
  for (const made of Object.values(keys)) {
    if (made === name) return true;
    const prefix: unknown = typeof made === "function" ? made("") : undefined;
    if (typeof prefix === "string" && prefix.startsWith(keys.root) && name.startsWith(prefix)) return true;
  }
  return false;
}

const shown = (names: readonly string[]): string => names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");

/** A namespace has no colon. */
const ofAllNamespaces = ({ root }: Keys): string => root.replace(/lovage:[^:]*:$/, "lovage:*").replace(/[[\]?\\]/g, "\\$&");

async function ourKeys(link: Link, keys: Keys): Promise<{ readonly names: readonly string[]; readonly complete: boolean }> {
  const until = performance.now() + scanAtMostMs;
  const names = new Set<string>();
  let cursor = "0";
  do {
    const [next, page] = asList(await link.call(["SCAN", cursor, "MATCH", ofAllNamespaces(keys), "COUNT", String(perScan)]));
    for (const name of asList(page)) names.add(asText(name));
    cursor = asText(next);
  } while (cursor !== "0" && performance.now() < until);
  return { names: [...names], complete: cursor === "0" };
}

async function stranded(link: Link, keys: Keys, names: readonly string[]): Promise<readonly Epoch[]> {
  const prefix = keys.flight("");
  const epochs = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const lost: Epoch[] = [];
  for (const epoch of epochs) {
    const [state, node] = asList(await link.call(["HMGET", keys.epoch(epoch), "state", "node"])).map(String);
    // A closed one is to be named as an orphan, an open one is to have its node.
    const [hash, field] = state === "closed" ? [keys.fleet, `o:${epoch}`] : [keys.nodes, node ?? ""];
    if (asNumber(await link.call(["HEXISTS", hash, field])) === 0) lost.push(epoch);
  }
  return lost;
}
