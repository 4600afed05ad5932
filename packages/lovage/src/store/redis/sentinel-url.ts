/**
 * A master that sentinels know: `sentinel://host:port,host:port/<service>/<db>`, or as Celery spells it,
 * `sentinel://host:port/<db>;sentinel://host:port` with `master_name` among the transport options (kombu 5.6
 * transport/redis.py SentinelChannel). User, password and database are the master's; `sentinels://` is TLS to all of them.
 */
import { ConfigError } from "../../kernel/errors.ts";
import { maskSecrets } from "../../kernel/mask-secrets.ts";
import { type Address, type Endpoint, isPort, parseRedisUrl, portIs } from "./url.ts";

/** From the transport options: Celery's `master_name` and `sentinel_kwargs`. */
export interface SentinelOptions {
  readonly service?: string;
  readonly username?: string;
  readonly password?: string;
}

const defaultPort = 26_379;
const remedy =
  "Write sentinel://user:password@host:26379,host:26379/<service>/0, or Celery's sentinel://host:26379/0;sentinel://host:26379 with brokerTransportOptions.masterName.";

export const isSentinelUrl = (url: string): boolean => /^sentinels?:/i.test(url);

/** @throws {ConfigError} LOVAGE_STORE_URL */
export function parseSentinelUrl(url: string, options: SentinelOptions): Endpoint {
  const wrong = (what: string) =>
    new ConfigError("LOVAGE_STORE_URL", `Cannot use the Sentinel URL "${maskSecrets(url)}": ${what}. ${remedy}`);
  const parts = url.split(";").filter((part) => part.trim() !== "");
  const read = parts.map((part) => /^sentinel(s?):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(\?[^#]*)?$/i.exec(part.trim()));
  const [first] = read;
  if (!first || read.includes(null)) throw wrong("it is none");
  const [, tls = "", login, , path = "", query = ""] = first;
  const hosts = read.flatMap((part) => (part?.[3] ?? "").split(","));
  const addresses = hosts.map(addressOf);
  const [address] = addresses;
  if (address === undefined || addresses.includes(undefined))
    throw wrong(`"${hosts[addresses.indexOf(undefined)]}" in it is no host, or its port is not ${portIs}`);
  const [service, database] = placeIn(path, options);
  if (service === undefined) throw wrong("it names no service, the name under which sentinels know the master");
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const master = parseRedisUrl(`redis${tls}://${login === undefined ? "" : `${login}@`}${host}/${database}${query}`);
  const { username, password } = options;
  const login2 = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
  return {
    ...master,
    name: maskSecrets(url),
    sentinels: { addresses: addresses as Address[], service, ...login2 },
  };
}

function addressOf(text: string): Address | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text.trim());
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3] ?? defaultPort);
  return host === undefined || !isPort(port) ? undefined : { host, port };
}

/** `/service/db`, `/service`, or Celery's `/db`. */
function placeIn(path: string, { service: given }: SentinelOptions): readonly [service: string | undefined, database: string] {
  const [first = "", second] = path.replace(/^\/+/, "").split("/");
  if (second !== undefined) return [decodeURIComponent(first), second];
  if (first === "" || /^\d+$/.test(first)) return [given, first];
  return [decodeURIComponent(first), ""];
}
