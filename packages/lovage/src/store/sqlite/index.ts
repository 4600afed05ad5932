/**
 * The embedded store: one SQLite file, several processes at once, durable. It is the default, and needs no server. Keep the
 * file on a local disk: SQLite's locks do not hold on network file systems.
 */
import type { Finding, Store, StoreOptions, StoreReport } from "../store.ts";
import { SqliteBroker } from "./broker.ts";
import { SqliteBus } from "./bus.ts";
import { SqliteDeadLetters } from "./dead-letters.ts";
import { SqliteLeases } from "./leases.ts";
import { SqliteLimits } from "./limits.ts";
import { SqliteResults } from "./results.ts";
import { SqliteRevokes } from "./revokes.ts";
import { letGo, type Shared, sharedFile } from "./shared-files.ts";
import * as sql from "./sql/statements.ts";
import { SqliteState } from "./state.ts";
import { parseUrl } from "./url.ts";
import { View } from "./view.ts";

/** How long closing waits for calls under way. */
const closeForMs = 1_000;

/** @throws {ConfigError} for a URL, file or format that we can't use. @throws {BrokerUnavailableError} for what may pass. */
export async function open(url: string, options: StoreOptions): Promise<Store> {
  return connect(await sharedFile(parseUrl(url)), options);
}

/** On a file that is open; lets go of it when closed. */
export function connect(shared: Shared, options: StoreOptions): Store {
  const { file } = shared;
  const view = new View(file, options);
  const onFault = (fault: unknown) => options.onFault(fault);
  file.onFault.add(onFault);
  const { space } = view;
  return {
    name: file.location.name,
    broker: new SqliteBroker(view),
    leases: new SqliteLeases(view),
    limits: new SqliteLimits(view),
    results: new SqliteResults(view),
    revokes: new SqliteRevokes(view),
    deadLetters: new SqliteDeadLetters(view),
    bus: new SqliteBus(view),
    state: new SqliteState(view),
    ping: () => view.read((database) => report(String(database.get(sql.version, {})?.version), view)),
    counters: () =>
      view.read((database) =>
        Object.fromEntries(database.all(sql.counters, { space }).map((row) => [String(row.field), Number(row.value)])),
      ),
    async close() {
      if (view.closing.aborted) return;
      view.close();
      file.changes.notifyAll(); // whoever listens looks again, and those of this store end
      await atMost(closeForMs, file.idle());
      letGo(shared);
      file.onFault.delete(onFault);
    },
  };
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

const powerCut: Finding = {
  what: "durability",
  level: "warning",
  message: "synchronous=normal: a power cut may take what was acknowledged in the last moments.",
};

function report(version: string, { file }: View): StoreReport {
  const { synchronous } = file.location;
  const isFull = synchronous === "FULL";
  return {
    server: `SQLite ${version} (${file.database.driver.name})`,
    durability: `synchronous=${synchronous}: what was acknowledged outlives a crash${isFull ? " and a power cut" : ""}`,
    findings: isFull ? [] : [powerCut],
  };
}
