/**
 * A connection to the fleet for commands that only look and tell: with `-A` the app's, else one of the settings that are found
 * here, without any of the code that sends or runs tasks.
 */
import { type ResolvedConfig, resolveConfig } from "../app/config.ts";
import { AppControl } from "../app/control.ts";
import { readSurroundings } from "../app/environment.ts";
import { type AppEvents, EventDesk } from "../app/events.ts";
import { AppStores } from "../app/open-stores.ts";
import { systemClock } from "../kernel/clock.ts";
import type { Store } from "../store/store.ts";

/** What an app is, too. */
export interface Connection {
  readonly config: ResolvedConfig;
  readonly control: AppControl;
  readonly events: AppEvents;
  store(): Promise<Store>;
  close(): Promise<void>;
}

export async function connect(module: string | undefined, settings: Readonly<Record<string, unknown>>): Promise<Connection> {
  if (module !== undefined) {
    const { loadCommandApp } = await import("./load-command-app.ts");
    return loadCommandApp(module, settings);
  }
  const config = resolveConfig("lovage", { flags: settings, surroundings: readSurroundings() });
  // What fails is thrown to the command; what mends itself is nobody's concern here.
  const stores = new AppStores(systemClock, () => {}, undefined);
  const store = () => stores.store(config);
  const events = new EventDesk({ store, now: Date.now, onFault: () => {} });
  return { config, control: new AppControl(store), events, store, close: () => stores.close() };
}
