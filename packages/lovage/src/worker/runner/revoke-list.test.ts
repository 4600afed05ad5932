import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Revoke, type Revokes, stampText } from "../../broker/revokes.ts";
import { silentLogger } from "../../kernel/logger.ts";
import { newTaskMessage } from "../../message/new-task-message.ts";
import { open } from "../../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../../store/store.ts";
import { type ManualClock, manualClock } from "../../testing/manual-clock.ts";
import { RevokeList } from "./revoke-list.ts";

const revoke = (value: string, by: Revoke["by"] = "id"): Revoke => ({ by, value, terminate: false, killAfterMs: 0 });
const message = (id: string, rootId: string | null = null) => newTaskMessage({ task: "t", id, rootId });

describe("RevokeList", () => {
  let clock: ManualClock;
  let store: Store;
  let list: RevokeList | undefined;
  const news: (readonly Revoke[])[] = [];

  beforeEach(async () => {
    clock = manualClock();
    news.length = 0;
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
  });
  afterEach(async () => {
    list?.close();
    await store.close();
  });

  const makeList = (revokes: Revokes = store.revokes): RevokeList => {
    list = new RevokeList({ revokes, clock, log: silentLogger, onNew: (fresh) => news.push(fresh) });
    return list;
  };

  it("knows after a fetch what was revoked, by id and by root", async () => {
    const version = await store.revokes.revoke([revoke("a"), revoke("r", "root")], 60_000);
    const made = makeList();
    expect(made.isCurrent(version)).toBe(false);
    await made.refresh();
    expect(made.isCurrent(version)).toBe(true);
    expect(made.find(message("a"))?.value).toBe("a");
    expect(made.find(message("b", "r"))?.value).toBe("r");
    expect(made.find(message("r"))?.value).toBe("r");
    expect(made.find(message("b"))).toBeUndefined();
  });

  it("knows stamps by each of their values, and tells numbers from texts", async () => {
    await store.revokes.revoke([revoke(stampText("user", 7), "stamp")], 60_000);
    const made = makeList();
    await made.refresh();
    const stamped = (stamps: Record<string, unknown>) => made.find(newTaskMessage({ task: "t", stamps })) !== undefined;
    expect([{ user: 7 }, { user: [8, 7] }, { user: "7" }, { other: 7 }, {}].map(stamped)).toEqual([true, true, false, false, false]);
  });

  it("tells each revoke once", async () => {
    await store.revokes.revoke([revoke("a")], 60_000);
    const made = makeList();
    await made.refresh();
    await store.revokes.revoke([revoke("b")], 60_000);
    await made.refresh();
    expect(news.map((fresh) => fresh.map((one) => one.value))).toEqual([["a"], ["b"]]);
  });

  it("tries until the store answers", async () => {
    let down = true;
    await store.revokes.revoke([revoke("a")], 60_000);
    const made = makeList({
      revoke: (revokes, ttl) => store.revokes.revoke(revokes, ttl),
      since: (version) => (down ? Promise.reject(new Error("away")) : store.revokes.since(version)),
    });
    const fetched = made.refresh();
    await clock.advance(5000);
    expect(made.find(message("a"))).toBeUndefined();
    down = false;
    await clock.advance(2000);
    await fetched;
    expect(made.find(message("a"))).toBeDefined();
  });

  it("looks again for whoever asks while a fetch is under way", async () => {
    const made = makeList();
    const first = made.refresh();
    await store.revokes.revoke([revoke("late")], 60_000);
    await Promise.all([first, made.refresh()]);
    expect(made.find(message("late"))).toBeDefined();
  });
});
