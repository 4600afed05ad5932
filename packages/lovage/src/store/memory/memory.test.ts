import { describe, expect, it } from "vitest";
import { conformance, lapsedClaimsSuite, type MakeServer } from "../../testing/conformance/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { defaultStoreOptions, type StoreOptions } from "../store.ts";
import { open } from "./index.ts";

let worlds = 0;

function options(more: Partial<StoreOptions> = {}): StoreOptions {
  return { ...defaultStoreOptions, clock: manualClock(), onFault: (fault) => expect.fail(String(fault)), ...more };
}

const make: MakeServer = async () => {
  worlds += 1;
  const clock = manualClock();
  const url = `memory:conformance-${worlds}`;
  const anchor = await open(url, options({ clock }));
  return {
    store: (more) => open(url, options({ clock, ...more })),
    advance: (ms) => clock.advance(ms),
    close: () => anchor.close(),
  };
};
conformance({ describe, it }, "memory", make);
lapsedClaimsSuite({ describe, it }, "memory", make);

describe("memory: URLs", () => {
  it("makes a world of its own for each memory: and shares a named one while somebody has it open", async () => {
    const stores = await Promise.all(["memory:", "memory:", "memory:shared", "memory:shared"].map((url) => open(url, options())));
    const depth = async () => (await Promise.all(stores.map((store) => store.broker.queues.depth(["q"])))).flat();
    for (const store of [stores[0], stores[2]]) {
      await store?.broker.publish({ messages: [{ taskId: "a", queue: "q", priority: 0, bytes: "{}" }] });
    }
    expect(await depth()).toEqual([1, 0, 1, 1]);
    for (const store of stores) await store.close();
    const fresh = await open("memory:shared", options());
    expect(await fresh.broker.queues.depth(["q"])).toEqual([0]);
    await fresh.close();
  });

  it("refuses a URL that names no memory store", async () => {
    await expect(open("memory:a/b", options())).rejects.toMatchObject({ code: "LOVAGE_STORE_URL" });
  });
});
