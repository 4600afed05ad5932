import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../kernel/logger.ts";
import { open } from "../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../store/store.ts";
import { type ManualClock, manualClock } from "../testing/manual-clock.ts";
import { Promoter } from "./promoter.ts";

describe("Promoter", () => {
  let clock: ManualClock;
  let store: Store;
  let promoter: Promoter | undefined;
  let looks = 0;

  beforeEach(async () => {
    clock = manualClock();
    looks = 0;
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
  });

  afterEach(async () => {
    await promoter?.stop();
    await store.close();
  });

  const makePromoter = async (idleLookMs: number | null, failing = () => false): Promise<Promoter> => {
    const promote: Store["leases"]["promote"] = async (limit) => {
      looks += 1;
      if (failing()) throw new Error("the store went away");
      return store.leases.promote(limit);
    };
    promoter = new Promoter({ leases: { promote } as Store["leases"], clock, log: silentLogger, idleLookMs });
    await promoter.start();
    return promoter;
  };
  const park = (parkMs: number) => store.broker.publish({ messages: [{ taskId: "t", queue: "q", priority: 0, bytes: "{}", parkMs }] });
  const depth = async () => (await store.broker.queues.depth(["q"]))[0];

  it("moves a parked message when it is due, and not before", async () => {
    await park(3000);
    await makePromoter(5000);
    await clock.advance(2999);
    expect(await depth()).toBe(0);
    await clock.advance(1);
    expect(await depth()).toBe(1);
  });

  it("looks at most once per five seconds while nothing is parked", async () => {
    await makePromoter(5000);
    await clock.advance(60_000);
    expect(looks).toBe(13);
  });

  it("finds what others parked meanwhile, at its next idle look", async () => {
    await makePromoter(5000);
    await clock.advance(1000);
    await park(500);
    await clock.advance(4000);
    expect(await depth()).toBe(1);
  });

  it("is on time for what it was told of", async () => {
    const told = await makePromoter(5000);
    await clock.advance(1000);
    await park(200);
    told.kick(200);
    await clock.advance(200);
    expect(await depth()).toBe(1);
  });

  it("says nothing at all until kicked, where another process looks", async () => {
    const told = await makePromoter(null);
    await clock.advance(60_000);
    expect(looks).toBe(0);
    await park(200);
    await park(900);
    told.kick(200);
    told.kick(900);
    await clock.advance(900);
    expect(await depth()).toBe(2);
    const asked = looks;
    await clock.advance(600_000);
    expect(looks).toBe(asked);
  });

  it("goes on after the store was away", async () => {
    let down = true;
    await park(1000);
    await makePromoter(5000, () => down);
    await clock.advance(20_000);
    expect(await depth()).toBe(0);
    down = false;
    await clock.advance(5000);
    expect(await depth()).toBe(1);
  });

  it("moves a crowd in several calls, without a pause", async () => {
    for (let n = 0; n < 2500; n++) await park(100);
    await clock.advance(100);
    await makePromoter(5000);
    await clock.advance(0);
    expect(await depth()).toBe(2500);
    expect(looks).toBe(3);
  });
});
