/** Asks sentinels where the master is. One answer is enough: whether it is true, the server found there says itself (`assertMaster`). */
import { ConfigError } from "../../kernel/errors.ts";
import { type Connection, openConnection } from "./connection.ts";
import { greetingFailure } from "./failure.ts";
import { asList, asText, pairs } from "./reply.ts";
import { type Reply, ReplyError } from "./resp.ts";
import type { Address, Endpoint, Sentinels } from "./url.ts";

/** A sentinel answers from memory; there are others. */
const askMs = 700;

/**
 * @throws {ConfigError} LOVAGE_SENTINEL_SERVICE when those that answered know no master of that name; LOVAGE_STORE_ACCESS.
 * @throws {Error} when none answered.
 */
export async function findMaster(endpoint: Endpoint, sentinels: Sentinels, signal: AbortSignal): Promise<Address> {
  const silent: string[] = [];
  let known: readonly string[] | undefined;
  for (const address of sentinels.addresses) {
    const place = `${address.host}:${address.port}`;
    try {
      const found = await ask(endpoint, sentinels, address, signal);
      if ("host" in found) return found;
      known = found.services;
    } catch (error) {
      const failure = greetingFailure(`The sentinel ${place} of ${endpoint.name}`, error as Error);
      if (failure !== undefined) throw failure;
      silent.push(`${place} (${(error as Error).message})`);
    }
  }
  if (known === undefined) throw new Error(`no sentinel answered: ${silent.join(", ")}`);
  throw new ConfigError(
    "LOVAGE_SENTINEL_SERVICE",
    `The sentinels of ${endpoint.name} know no master "${sentinels.service}": they know ${known.map((each) => `"${each}"`).join(", ") || "none"}. Name one of these in the URL, sentinel://…/<service>/0, or as masterName.`,
    { details: { service: sentinels.service, known } },
  );
}

type Found = Address | { readonly services: readonly string[] };

async function ask(endpoint: Endpoint, sentinels: Sentinels, address: Address, signal: AbortSignal): Promise<Found> {
  const connection = await openConnection({
    endpoint: at(sentinelEndpoint(endpoint, sentinels), address),
    role: "sentinel",
    tracking: false,
    prepare: undefined,
    onPush: () => undefined,
    onLost: () => undefined,
    signal,
    openMs: askMs,
  });
  const timer = setTimeout(() => connection.destroy(new Error(`no answer within ${askMs} ms`)), askMs);
  try {
    const reply = await connection.call(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinels.service]);
    if (Array.isArray(reply)) return { host: asText(reply[0]), port: Number(asText(reply[1])) };
    const masters = asList(await connection.call(["SENTINEL", "MASTERS"]));
    return { services: masters.map((master) => nameOf(master)) };
  } finally {
    clearTimeout(timer);
    connection.destroy(new Error("asked"));
  }
}

const nameOf = (master: Reply): string => asText([...pairs(master)].find(([field]) => asText(field) === "name")?.[1] ?? "");

/** The same place, said to be elsewhere. */
export const at = (endpoint: Endpoint, { host, port }: Address): Endpoint => ({
  ...endpoint,
  socket: "path" in endpoint.socket ? { host, port } : { ...endpoint.socket, host, port },
});

function sentinelEndpoint({ name, socket }: Endpoint, { username, password }: Sentinels): Endpoint {
  return { name, socket, database: 0, ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

/** Sentinels may be late: the server they named may be a replica by now. @throws {Error} */
export async function assertMaster(connection: Connection): Promise<void> {
  const [role] = asList(await connection.call(["ROLE"]).catch(asUnknown));
  if (role !== undefined && asText(role) !== "master") throw new Error(`the server that sentinels named is a ${asText(role)}`);
}

/** Not everybody may ask: what follows will say so better. */
function asUnknown(error: unknown): Reply {
  if (!(error instanceof ReplyError)) throw error;
  return [];
}
