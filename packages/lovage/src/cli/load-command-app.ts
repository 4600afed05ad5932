/** The app of a command: the one of `-A`, or a bare one that only knows where the store is (enough to look and to purge). */
import type { App } from "../app/app.ts";
import { createApp } from "../app/create-app.ts";
import { loadApp } from "../app/load-app.ts";

export async function loadCommandApp(module: string | undefined, broker: string | undefined): Promise<App> {
  const flags = broker === undefined ? {} : { broker };
  if (module !== undefined) return (await loadApp(module, { flags })).app;
  const app = createApp({ name: "lovage" });
  app.configure(flags);
  return app;
}
