/** A broker's URL as kombu describes a connection (celery-wire.md §10.4): without its password. */
import { schemeOf } from "../../../app/adapters.ts";

export function brokerInfo(url: string): Readonly<Record<string, unknown>> {
  const scheme = schemeOf(url);
  const isServer = /^(redis|rediss|valkey|valkeys)$/.test(scheme);
  const parsed = isServer && URL.canParse(url) ? new URL(url) : null;
  return {
    hostname: parsed?.hostname || (isServer ? "localhost" : ""),
    userid: parsed?.username || null,
    virtual_host: parsed === null ? "/" : parsed.pathname.slice(1) || "0",
    port: parsed === null ? null : Number(parsed.port || 6379),
    insist: false,
    ssl: /s$/.test(scheme) && isServer,
    transport: scheme,
    connect_timeout: 4,
    transport_options: {},
    login_method: null,
    uri_prefix: null,
    heartbeat: 0,
    failover_strategy: "round-robin",
    alternates: [],
  };
}
