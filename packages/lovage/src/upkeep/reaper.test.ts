import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NodeInfo } from "../broker/leases.ts";
import { silentLogger } from "../kernel/logger.ts";
import type { Delivery, Epoch } from "../message/commit.ts";
import { open } from "../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../store/store.ts";
import { type ManualClock, manualClock } from "../testing/manual-clock.ts";
import { Reaper } from "./reaper.ts";

const node = (id: string): NodeInfo => ({
  id,
  name: `celery@${id}`,
  host: "elsewhere",
  bootId: "boot",
  pid: 1,
  processStart: null,
  pool: "async",
  slots: 1,
  queues: ["q"],
  tasks: [],
  startedAt: 0,
  runners: [],
});

describe("Reaper", () => {
  let clock: ManualClock;
  let store: Store;
  let reaper: Reaper | undefined;
  const settled: [Epoch, readonly Delivery[]][] = [];

  beforeEach(async () => {
    clock = manualClock();
    settled.length = 0;
    store = await open("memory:", {
      ...defaultStoreOptions,
      clock,
      onFault: (fault) => {
        throw fault;
      },
    });
    await store.leases.announce(node("dead"));
    await store.leases.open("dead", "e1");
    await store.broker.publish({ messages: [{ taskId: "t", queue: "q", priority: 0, bytes: "{}" }] });
    await store.broker.reserve({ epoch: "e1", number: 1, queues: ["q"], count: 1 });
  });

  afterEach(async () => {
    await reaper?.stop({ mode: "warm", graceMs: 0 });
    await store.close();
  });

  const makeReaper = (options: Partial<ConstructorParameters<typeof Reaper>[0]> = {}): Reaper => {
    const settle = async (epoch: Epoch, deliveries: readonly Delivery[]) => {
      settled.push([epoch, deliveries]);
    };
    reaper = new Reaper({ leases: store.leases, clock, log: silentLogger, self: null, settle, ...options });
    return reaper;
  };

  it("closes a node that stands still and settles what its runners held", async () => {
    await makeReaper().start();
    await clock.advance(9000);
    expect(settled).toEqual([]);
    await clock.advance(2000);
    expect(settled.map(([epoch, deliveries]) => [epoch, deliveries.length])).toEqual([["e1", 1]]);
    expect((await store.leases.fleet()).nodes).toEqual([]);
    await expect(store.leases.beat("dead")).rejects.toMatchObject({ code: "LOVAGE_NODE_CLOSED" });
  });

  it("leaves a node alone that beats between the look and the closing", async () => {
    let beaten = false;
    const closeNode: Store["leases"]["closeNode"] = async (id, count) => {
      if (!beaten) await store.leases.beat(id);
      beaten = true;
      return store.leases.closeNode(id, count);
    };
    const leases = { fleet: () => store.leases.fleet(), held: (epoch: Epoch) => store.leases.held(epoch), closeNode } as Store["leases"];
    await makeReaper({ leases }).start();
    await clock.advance(11_000);
    expect(beaten).toBe(true);
    expect(settled).toEqual([]);
    expect((await store.leases.fleet()).nodes).toHaveLength(1);
  });

  it("judges the looks that its caller makes anyway, and makes none of its own then", async () => {
    let looks = 0;
    const leases = new Proxy(store.leases, {
      get: (target, name) => {
        if (name === "fleet") looks += 1;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const fed = makeReaper({ leases, lookEveryMs: null });
    await fed.start();
    await store.leases.announce(node("mine"));
    for (let look = 0; look < 6; look++) {
      await fed.see(await store.leases.beat("mine"));
      await clock.advance(2000);
    }
    expect(looks).toBe(0);
    expect(settled.map(([epoch]) => epoch)).toEqual(["e1"]);
  });

  it("settles an orphan that its closer left behind, once it was seen twice", async () => {
    await store.leases.announce(node("mine"));
    await store.leases.open("mine", "e2");
    await store.leases.close("e1");
    const fed = makeReaper({ lookEveryMs: null });
    await fed.see(await store.leases.beat("mine"));
    expect(settled).toEqual([]);
    await clock.advance(2000);
    await fed.see(await store.leases.beat("mine"));
    expect(settled.map(([epoch]) => epoch)).toEqual(["e1"]);
  });

  it("tries again at the next look when settling failed", async () => {
    let calls = 0;
    const settle = async () => {
      calls += 1;
      if (calls === 1) throw new Error("the store went away");
    };
    await store.leases.close("e1");
    await makeReaper({ settle }).start();
    await clock.advance(2000);
    expect(calls).toBe(1);
    await clock.advance(2000);
    expect(calls).toBe(2);
  });
});
