/** Which fleets a command line asks for, each with a store of its own that is gone when it closes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "lovage/testing";
import { celeryFleet, mixedFleet } from "./celery-fleet.ts";
import type { Fleet } from "./fleet.ts";
import { lovageFleet } from "./lovage-fleet.ts";

export const stores = ["memory", "sqlite", "redis"] as const;
export type StoreName = (typeof stores)[number];

/** One after the other; each is closed before the next one opens. */
export async function* openFleets(fleet: string, store: string): AsyncGenerator<{ fleet: Fleet; store: string }> {
  if (fleet === "celery" || fleet === "mixed") {
    const open = await (fleet === "celery" ? celeryFleet() : mixedFleet());
    yield { fleet: open, store: "redis" };
    await open.close();
    return;
  }
  if (fleet !== "lovage") throw new Error(`There is no fleet "${fleet}". Use one of: lovage, celery, mixed.`);
  const wanted = store === "all" ? stores : stores.filter((name) => name === store);
  if (wanted.length === 0) throw new Error(`There is no store "${store}". Use one of: ${stores.join(", ")}, all.`);
  for (const name of wanted) {
    const open = await onStore(name);
    yield { fleet: open.fleet, store: name };
    await open.close();
  }
}

export async function onStore(name: StoreName): Promise<{ fleet: Fleet; close: () => Promise<void> }> {
  const place = await places[name]();
  const fleet = await lovageFleet(`lovage on ${name}`, place.url);
  return {
    fleet,
    close: async () => {
      await fleet.close();
      await place.remove();
    },
  };
}

interface Place {
  readonly url: string;
  remove(): void | Promise<void>;
}

const places: Readonly<Record<StoreName, () => Place | Promise<Place>>> = {
  memory: () => ({ url: "memory://", remove: () => {} }),
  sqlite: () => {
    const folder = mkdtempSync(join(tmpdir(), "lovage-fuzz-"));
    return { url: `sqlite:${join(folder, "fuzz.db")}`, remove: () => rmSync(folder, { recursive: true, force: true }) };
  },
  redis: async () => {
    const server = await startRedis();
    return { url: `${server.url}/0`, remove: () => server.stop() };
  },
};
