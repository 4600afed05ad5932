/** The only place that names concrete stores: URL scheme → module, loaded at the first use. */
import { ConfigError } from "../kernel/errors.ts";
import type { Store, StoreOptions } from "../store/store.ts";

interface StoreModule {
  open(url: string, options: StoreOptions): Promise<Store>;
}

const redis = (): Promise<StoreModule> => import("../store/redis/index.ts");
const loaders: Readonly<Record<string, () => Promise<StoreModule>>> = {
  memory: () => import("../store/memory/index.ts"),
  sqlite: () => import("../store/sqlite/index.ts"),
  redis,
  rediss: redis,
  "redis+socket": redis,
  unix: redis,
  valkey: redis,
  valkeys: redis,
  sentinel: redis,
  sentinels: redis,
};

export const knownSchemes: readonly string[] = Object.keys(loaders);

/** The part of a URL before its first colon, in lower case; "" without one. */
export const schemeOf = (url: string): string => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? "";

/** @throws {ConfigError} LOVAGE_SCHEME_UNKNOWN, and what the store itself throws. */
export async function openStore(url: string, options: StoreOptions): Promise<Store> {
  const load = loaders[schemeOf(url)];
  if (load === undefined)
    throw new ConfigError(
      "LOVAGE_SCHEME_UNKNOWN",
      `Cannot open a store for the scheme "${schemeOf(url)}": known are ${knownSchemes.map((scheme) => `${scheme}:`).join(", ")}.`,
      { details: { scheme: schemeOf(url) } },
    );
  const module = await load();
  return module.open(url, options);
}
