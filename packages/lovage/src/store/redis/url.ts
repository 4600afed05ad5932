/** `redis://`, `rediss://` and `redis+socket://` as Celery spells them, `valkey://` and `valkeys://` (celery-wire.md §1.7), to what a connection needs. */
import { readFileSync } from "node:fs";
import { ConfigError } from "../../kernel/errors.ts";
import { maskSecrets } from "../../kernel/mask-secrets.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How to ask for the master's address. */
export interface Sentinels {
  readonly addresses: readonly Address[];
  /** The name under which they know the master. */
  readonly service: string;
  /** Of the sentinels themselves. */
  readonly username?: string;
  readonly password?: string;
}

export interface Endpoint {
  /** URL without password, for people. */
  readonly name: string;
  readonly socket:
    | { readonly path: string; readonly tls?: false }
    | {
        readonly host: string;
        readonly port: number;
        readonly tls?: boolean;
        readonly rejectUnauthorized?: boolean;
        /** Certificates of the authorities to trust instead of Node's own, PEM. */
        readonly ca?: string;
      };
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** They are asked for host and port before each connection; those above are not the server's then. */
  readonly sentinels?: Sentinels;
}

const remedy = "Write redis://user:password@host:6379/0, rediss://… or redis+socket:///path/to.sock?virtual_host=0.";
const encode = "Percent-encode user and password: % is %25, @ is %40, / is %2F, # is %23, ? is %3F";

/** @throws {ConfigError} LOVAGE_STORE_URL */
export function parseRedisUrl(url: string): Endpoint {
  const wrong = (what: string) => new ConfigError("LOVAGE_STORE_URL", `Cannot use the Redis URL "${maskSecrets(url)}": ${what}. ${remedy}`);
  // URL does not parse an authority in front of an empty host for schemes it does not know.
  const text = url
    .replace(/^valkey(s?):/i, "redis$1:")
    .replace(/^redis\+socket:\/\/([^/]*)\//, (_, authority: string) => `unix://${authority}${authority ? "socket" : ""}/`);
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch {
    throw wrong(portProblem(text) ?? `it is not a URL. ${encode}`);
  }
  if (parsed.port !== "" && !isPort(Number(parsed.port))) throw wrong(`its port is "${parsed.port}": expected ${portIs}`);
  // No URL of a server has these: an unencoded password was cut there, and its first half taken for host and port.
  if (parsed.protocol !== "unix:" && (parsed.hash !== "" || /@/.test(parsed.pathname + parsed.search)))
    throw wrong(`its host is not where a host stands. ${encode}`);
  const plain = (text: string, what: string) => decoded(text) ?? fail(wrong(`the % in its ${what} encodes nothing. ${encode}`));
  const credentials = {
    ...(parsed.username ? { username: plain(parsed.username, "user") } : {}),
    ...(parsed.password ? { password: plain(parsed.password, "password") } : {}),
  };
  const database = databaseOf(parsed);
  if (database === undefined) throw wrong("its database is not a number");
  const name = maskSecrets(url);
  if (parsed.protocol === "unix:") {
    if (parsed.pathname.length < 2) throw wrong("it names no socket file");
    return { name, database, ...credentials, socket: { path: plain(parsed.pathname, "path") } };
  }
  if (parsed.protocol !== "redis:" && parsed.protocol !== "rediss:") throw wrong(`its scheme is "${parsed.protocol}"`);
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1") || "127.0.0.1";
  const address = { host, port: Number(parsed.port || 6379) };
  if (parsed.protocol === "redis:") return { name, database, ...credentials, socket: address };
  // kombu's and redis-py's names: CERT_NONE, none; anything else verifies.
  const lax = /^(cert_)?none$/i.test(parsed.searchParams.get("ssl_cert_reqs") ?? "");
  const file = parsed.searchParams.get("ssl_ca_certs");
  const ca = file === null ? {} : { ca: contentOf(file, (why) => wrong(`its ssl_ca_certs cannot be read (${why})`)) };
  return { name, database, ...credentials, socket: { ...address, tls: true, rejectUnauthorized: !lax, ...ca } };
}

export const portIs = "a whole number from 1 to 65535";
export const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

/** undefined: more than the port is wrong with it. */
function portProblem(url: string): string | undefined {
  const [, before = "", login, port = "", after = ""] = /^([a-z+]+:\/\/(.*@)?(?:\[[^\]]*\]|[^:/?#]*)):([^/?#]*)(.*)$/i.exec(url) ?? [];
  if (port === "" || !URL.canParse(before + after)) return undefined;
  // Where the URL has no login, what stands there may be the password.
  if (login === undefined && !/^\d+$/.test(port))
    return `its port is no number: expected ${portIs}. A password stands before the host, as in redis://:password@host`;
  return `its port is "${port}": expected ${portIs}`;
}

function contentOf(file: string, failure: (why: string) => ConfigError): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw failure((error as Error).message);
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function fail(error: ConfigError): never {
  throw error;
}

function databaseOf(url: URL): number | undefined {
  const inQuery = url.searchParams.get("virtual_host") ?? url.searchParams.get("db");
  const text = (inQuery ?? (url.protocol === "unix:" ? "" : url.pathname)).replace(/^\/+/, "");
  if (text === "") return 0;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
