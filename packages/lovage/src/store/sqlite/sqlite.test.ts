import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { conformance, lapsedClaimsSuite, type MakeServer } from "../../testing/conformance/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { defaultStoreOptions, type Store, type StoreOptions } from "../store.ts";
import { connect, open } from "./index.ts";
import { ownFile } from "./shared-files.ts";
import { parseUrl } from "./url.ts";

type Connect = (url: string, options: StoreOptions) => Promise<Store>;

const server =
  (connectTo: Connect): MakeServer =>
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "lovage-sqlite-"));
    const clock = manualClock();
    const options: StoreOptions = { ...defaultStoreOptions, clock, onFault: (fault) => expect.fail(String(fault)) };
    return {
      store: (more) => connectTo(`sqlite://${folder}/test.db`, { ...options, ...more }),
      advance: (ms) => clock.advance(ms),
      close: () => rm(folder, { recursive: true }),
    };
  };

conformance({ describe, it }, "sqlite", server(open));
lapsedClaimsSuite({ describe, it }, "sqlite", server(open));

// Connections of their own see each other as other processes do: by the change counter, not by a signal.
conformance(
  { describe, it },
  "sqlite, strangers",
  server(async (url, options) => connect(await ownFile(parseUrl(url)), options)),
);
