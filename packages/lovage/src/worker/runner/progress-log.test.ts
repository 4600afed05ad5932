import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../broker/state-store.ts";
import { type ProgressEntry, progressLog } from "../../execution/run-controls.ts";
import { type LogFields, silentLogger } from "../../kernel/logger.ts";
import { open } from "../../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../../store/store.ts";
import { type ManualClock, manualClock } from "../../testing/manual-clock.ts";
import { ProgressLog } from "./progress-log.ts";

describe("ProgressLog", () => {
  let clock: ManualClock;
  let store: Store;
  const warnings: LogFields[] = [];
  const log = { ...silentLogger, warn: (_event: string, fields?: LogFields) => void warnings.push(fields ?? {}) };

  beforeEach(async () => {
    clock = manualClock();
    warnings.length = 0;
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
  });
  afterEach(() => store.close());

  const progress = (state: () => Promise<StateStore> = async () => store.state) => new ProgressLog({ state, clock, log });
  const entry = (fraction: number, over: Partial<ProgressEntry> = {}): ProgressEntry => ({
    taskId: "t",
    rootId: "r",
    task: "demo",
    fraction,
    message: null,
    at: 0,
    ...over,
  });
  const fractions = async (root = "r") => {
    const entries = await store.state.tail(progressLog(root), 100);
    return entries.map(({ data }) => (JSON.parse(new TextDecoder().decode(data)) as ProgressEntry).fraction);
  };

  it("writes the first entry at once, then the latest of every 100 ms, then the last one at the end", async () => {
    const noted = progress();
    noted.note(entry(0.1));
    noted.note(entry(0.2));
    noted.note(entry(0.3));
    await clock.advance(0);
    expect(await fractions()).toEqual([0.1]);
    await clock.advance(100);
    expect(await fractions()).toEqual([0.1, 0.3]);
    noted.note(entry(0.4));
    noted.note(entry(1));
    noted.end("t");
    await noted.settled();
    expect(await fractions()).toEqual([0.1, 0.3, 1]);
  });

  it("keeps tasks of one workflow in their root's log, each at its own pace", async () => {
    const noted = progress();
    noted.note(entry(0.1));
    noted.note(entry(0.5, { taskId: "u" }));
    noted.note(entry(0.5, { taskId: "v", rootId: "other" }));
    await noted.settled();
    expect(await fractions()).toEqual([0.1, 0.5]);
    expect(await fractions("other")).toEqual([0.5]);
  });

  it("drops entries that the state store does not take, counts them, and says so once in a while", async () => {
    const noted = progress(() => Promise.reject(new Error("away")));
    for (let turn = 1; turn <= 5; turn++) {
      noted.note(entry(turn / 10));
      await clock.advance(100);
    }
    await noted.settled();
    expect(warnings).toHaveLength(1);
    await clock.advance(10_000);
    noted.note(entry(1));
    await noted.settled();
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toMatchObject({ entriesSoFar: 6 });
  });

  it("never waits for a store that hangs: it keeps the newest entry of each task", async () => {
    let release: (state: StateStore) => void = () => {};
    const hanging = new Promise<StateStore>((resolve) => {
      release = resolve;
    });
    const noted = progress(() => hanging);
    for (let turn = 1; turn <= 5; turn++) {
      noted.note(entry(turn / 10));
      await clock.advance(100);
    }
    release(store.state);
    await noted.settled();
    expect(await fractions()).toEqual([0.1, 0.5]);
  });

  it("leaves out data that cannot be written", async () => {
    const noted = progress();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    noted.note(entry(0.7, { data: circular }));
    await noted.settled();
    expect(await fractions()).toEqual([0.7]);
  });

  const events = (noted: ProgressLog, ...names: readonly string[]) =>
    Promise.all(names.map((event) => noted.emit({ taskId: "t", rootId: "r" }, JSON.stringify({ ...entry(0), fraction: null, event }))));
  const log500 = async () =>
    (await store.state.tail(progressLog("r"), 500))
      .map(({ data }) => JSON.parse(new TextDecoder().decode(data)) as ProgressEntry)
      .map(({ event, fraction }) => event ?? fraction);

  it("writes each event, in order, and the progress that came before it", async () => {
    const noted = progress();
    noted.note(entry(0.1));
    noted.note(entry(0.2));
    noted.note(entry(0.3));
    expect(await events(noted, "a.a", "a.b", "a.a")).toEqual([true, true, true]);
    noted.note(entry(0.4));
    await noted.settled();
    expect(await log500()).toEqual([0.1, 0.3, "a.a", "a.b", "a.a", 0.4]);
  });

  it("keeps a thousand events for a store that hangs, says of more that they are dropped, and takes new ones afterwards", async () => {
    let release: (state: StateStore) => void = () => {};
    const hanging = new Promise<StateStore>((resolve) => {
      release = resolve;
    });
    const noted = progress(() => hanging);
    const kept = events(noted, ...Array.from({ length: 1000 }, (_, i) => `n.${i}`));
    expect(await events(noted, "too.many")).toEqual([false]);
    expect(warnings).toMatchObject([{ entriesSoFar: 1 }]);
    release(store.state);
    expect(new Set(await kept)).toEqual(new Set([true]));
    expect(await events(noted, "one.more")).toEqual([true]);
    expect((await log500()).slice(-2)).toEqual(["n.999", "one.more"]);
  });

  it("says of an event that the store does not take that it is dropped", async () => {
    const noted = progress(() => Promise.reject(new Error("away")));
    expect(await events(noted, "a.a")).toEqual([false]);
  });
});
