/** The app of a command: the one of `-A`, or a bare one that only knows where the store is (enough to look and to purge). */
import type { App } from "../app/app.ts";
import { createApp } from "../app/create-app.ts";
import { loadApp } from "../app/load-app.ts";

export async function loadCommandApp(module: string | undefined, settings: Readonly<Record<string, unknown>>): Promise<App> {
  if (module !== undefined) return (await loadApp(module, { flags: settings })).app;
  const app = createApp({ name: "lovage" });
  if (Object.keys(settings).length > 0) app.configure(settings);
  return app;
}
