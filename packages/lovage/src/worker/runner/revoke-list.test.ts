import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Revoke, type Revokes, stampText } from "../../broker/revokes.ts";
import { silentLogger } from "../../kernel/logger.ts";
import { newTaskMessage } from "../../message/new-task-message.ts";
import { newSharedMemory } from "../../pool/shared-memory.ts";
import { open } from "../../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../../store/store.ts";
import { type ManualClock, manualClock } from "../../testing/manual-clock.ts";
import { RevokeList } from "./revoke-list.ts";

const revoke = (value: string, by: Revoke["by"] = "id", terminate = false): Revoke => ({ by, value, terminate, killAfterMs: 0 });
const message = (id: string, rootId: string | null = null) => newTaskMessage({ task: "t", id, rootId });

describe("RevokeList", () => {
  let clock: ManualClock;
  let store: Store;
  const lists: RevokeList[] = [];
  let news = 0;

  beforeEach(async () => {
    clock = manualClock();
    news = 0;
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
  });
  afterEach(async () => {
    for (const list of lists.splice(0)) list.close();
    await store.close();
  });

  const makeList = (revokes: Revokes = store.revokes, memory = newSharedMemory()): RevokeList => {
    const onNews = () => {
      news += 1;
    };
    const list = new RevokeList({ revokes, memory, clock, log: silentLogger, storeNow: () => clock.now(), onNews });
    lists.push(list);
    return list;
  };

  it("suspects after a fetch what was revoked, by id and by root, and nothing else", async () => {
    const version = await store.revokes.revoke([revoke("a"), revoke("r", "root")], 60_000);
    const made = makeList();
    expect(made.isCurrent(version)).toBe(false);
    await made.refresh();
    expect(made.isCurrent(version)).toBe(true);
    const messages = [message("a"), message("b", "r"), message("r"), message("b")];
    expect(messages.map((each) => made.mayRefuse(each))).toEqual([true, true, true, false]);
    expect([...(await made.refused(messages)).keys()]).toEqual(messages.slice(0, 3));
  });

  it("knows stamps by each of their values, and tells numbers from texts", async () => {
    await store.revokes.revoke([revoke(stampText("user", 7), "stamp")], 60_000);
    const made = makeList();
    await made.refresh();
    const stamped = (stamps: Record<string, unknown>) => made.mayRefuse(newTaskMessage({ task: "t", stamps }));
    expect([{ user: 7 }, { user: [8, 7] }, { user: "7" }, { other: 7 }, {}].map(stamped)).toEqual([true, true, false, false, false]);
  });

  it("says that there is news, once, and how it stands", async () => {
    await store.revokes.revoke([revoke("a", "id", true), revoke("quiet")], 60_000);
    const made = makeList();
    await made.refresh();
    await made.refresh();
    expect(news).toBe(1);
    await store.revokes.revoke([revoke("b", "id", true)], 60_000);
    await made.refresh();
    expect(news).toBe(2);
    const standing = await made.refused([message("a"), message("quiet", "b"), message("quiet")]);
    expect([...standing.values()].map(({ terminate }) => terminate)).toEqual([true, false, false]);
  });

  it("names first what stops a run, where several mean it", async () => {
    await store.revokes.revoke([revoke("a"), revoke("r", "root", true)], 60_000);
    const standing = await makeList().refused([message("a", "r")]);
    expect([...standing.values()].map(({ by }) => by)).toEqual(["root"]);
  });

  it("reads a long list page by page, and lets the store decide while it does", async () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `task-${i}`);
    await store.revokes.revoke(
      ids.map((id) => revoke(id)),
      60_000,
    );
    const made = makeList();
    const [hit, miss] = [message("task-19999"), message("task-20000")];
    expect([...(await made.refused([hit, miss])).keys()]).toEqual([hit]);
    await made.refresh();
    expect(ids.every((id) => made.mayRefuse(message(id)))).toBe(true);
    const others = Array.from({ length: 20_000 }, (_, i) => message(`other-${i}`));
    expect(others.filter((each) => made.mayRefuse(each)).length).toBeLessThan(20);
  });

  it("asks the store again for what only seems revoked", async () => {
    await store.revokes.revoke([revoke("a")], 1000);
    const made = makeList();
    await made.refresh();
    await store.revokes.revoke([revoke("b")], 60_000);
    await made.refresh();
    await clock.advance(2000);
    // Its filter is kept for the sake of "b".
    expect(made.mayRefuse(message("a"))).toBe(true);
    expect((await made.refused([message("a")])).size).toBe(0);
  });

  it("forgets them all when they have expired", async () => {
    await store.revokes.revoke([revoke("a")], 1000);
    const made = makeList();
    await made.refresh();
    await clock.advance(1001);
    expect(made.mayRefuse(message("a"))).toBe(false);
  });

  it("tries until the store answers", async () => {
    let down = true;
    await store.revokes.revoke([revoke("a")], 60_000);
    const away = () => Promise.reject(new Error("away"));
    const made = makeList({
      revoke: (revokes, ttl) => store.revokes.revoke(revokes, ttl),
      since: (version, limit) => (down ? away() : store.revokes.since(version, limit)),
      standing: (keys) => (down ? away() : store.revokes.standing(keys)),
    });
    const fetched = made.refresh();
    const asked = made.refused([message("a")]);
    await clock.advance(5000);
    expect(made.mayRefuse(message("a"))).toBe(false);
    down = false;
    await clock.advance(2000);
    await fetched;
    expect(made.mayRefuse(message("a"))).toBe(true);
    expect((await asked).size).toBe(1);
  });

  it("is read once for all runners of a process, and tells each of them", async () => {
    const ids = Array.from({ length: 20_000 }, (_, i) => `task-${i}`);
    const version = await store.revokes.revoke(
      ids.map((id) => revoke(id)),
      60_000,
    );
    let read = 0;
    const counted: Revokes = {
      revoke: (revokes, ttl) => store.revokes.revoke(revokes, ttl),
      standing: (keys) => store.revokes.standing(keys),
      since: async (from, limit) => {
        const page = await store.revokes.since(from, limit);
        read += page.revokes.length;
        return page;
      },
    };
    const memory = newSharedMemory();
    const three = [makeList(counted, memory), makeList(counted, memory), makeList(counted, memory)];
    const fetched = Promise.all(three.map((each) => each.refresh()));
    let isFetched = false;
    void fetched.then(() => {
      isFetched = true;
    });
    while (!isFetched) await clock.advance(20);
    expect([read, news]).toEqual([20_000, 3]);
    const last = message("task-19999");
    expect(three.map((each) => [each.isCurrent(version), each.mayRefuse(last)])).toEqual(three.map(() => [true, true]));
  });

  it("goes on where a runner ended in the middle of reading", async () => {
    await store.revokes.revoke([revoke("a")], 60_000);
    const memory = newSharedMemory();
    const never = makeList({ ...store.revokes, since: () => new Promise(() => undefined) }, memory);
    never.refresh().catch(() => undefined);
    const other = makeList(store.revokes, memory);
    const fetched = other.refresh();
    await clock.advance(4000);
    expect(other.mayRefuse(message("a"))).toBe(false);
    await clock.advance(2000);
    await fetched;
    expect(other.mayRefuse(message("a"))).toBe(true);
  });

  it("begins anew when the store has lost its versions", async () => {
    await store.revokes.revoke([revoke("a"), revoke("b"), revoke("c")], 60_000);
    const other = await open("memory:", { ...defaultStoreOptions, clock, onFault: () => undefined });
    let from = store.revokes;
    const made = makeList({
      revoke: (revokes, ttl) => from.revoke(revokes, ttl),
      since: (version, limit) => from.since(version, limit),
      standing: (keys) => from.standing(keys),
    });
    await made.refresh();
    from = other.revokes;
    const version = await other.revokes.revoke([revoke("late")], 60_000);
    expect(made.isCurrent(version)).toBe(false);
    await made.refresh();
    expect([made.isCurrent(version), made.mayRefuse(message("late"))]).toEqual([true, true]);
    await other.close();
  });

  it("looks again for whoever asks while a fetch is under way", async () => {
    const made = makeList();
    const first = made.refresh();
    await store.revokes.revoke([revoke("late")], 60_000);
    await Promise.all([first, made.refresh()]);
    expect(made.mayRefuse(message("late"))).toBe(true);
  });
});
