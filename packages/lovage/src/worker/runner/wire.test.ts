import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Broker } from "../../broker/broker.ts";
import type { NodeInfo } from "../../broker/leases.ts";
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import { silentLogger } from "../../kernel/logger.ts";
import type { Commit, Delivery } from "../../message/commit.ts";
import { open } from "../../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../../store/store.ts";
import { type ManualClock, manualClock } from "../../testing/manual-clock.ts";
import { Attempt, bareCommit, noOutcome } from "../../upkeep/attempt.ts";
import { Committer } from "./committer.ts";
import { Fetcher } from "./fetcher.ts";
import { Holdings } from "./held.ts";
import { Wire } from "./wire.ts";

type Fault = "lost-call" | "lost-reply" | "broken";
const away = () => new BrokerUnavailableError("LOVAGE_BROKER_UNAVAILABLE", "away", { details: { maybeAccepted: true } });
const node = {
  id: "n",
  name: "n",
  host: "h",
  bootId: "",
  pid: 1,
  processStart: null,
  pool: "async",
  slots: 1,
  queues: [],
  tasks: [],
  startedAt: 0,
  runners: [],
};

describe("Wire", () => {
  let clock: ManualClock;
  let store: Store;
  let wire: Wire | undefined;
  let logged: { readonly event: string; readonly [field: string]: unknown }[] = [];
  /** What goes wrong with the next calls, in order. */
  let faults: (Fault | undefined)[] = [];
  let calls: { readonly commits: readonly number[]; readonly reserve: number | undefined; readonly number: number | undefined }[] = [];

  beforeEach(async () => {
    clock = manualClock();
    faults = [];
    calls = [];
    logged = [];
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
    await store.leases.announce(node as NodeInfo);
    await store.leases.open("n", "e");
  });
  afterEach(() => {
    wire?.close();
    return store.close();
  });

  const faulty = async <T>(work: () => Promise<T>): Promise<T> => {
    const fault = faults.shift();
    if (fault === "lost-call") throw away();
    if (fault === "broken") throw new TypeError("cannot encode this");
    const result = await work();
    if (fault === "lost-reply") throw away();
    return result;
  };
  const broker = {
    reserve: (call) => {
      calls.push({ commits: [], reserve: call.count, number: call.number });
      return faulty(() => store.broker.reserve(call));
    },
    commit: (epoch, batch, options) => {
      const { count, number } = options?.reserveNext ?? {};
      calls.push({ commits: batch.map((commit) => commit.delivery.number), reserve: count, number });
      return faulty(() => store.broker.commit(epoch, batch, options));
    },
  } as Broker;

  const publish = (count: number) =>
    store.broker.publish({
      messages: Array.from({ length: count }, (_, n) => ({ taskId: `t${n}`, queue: "q", priority: 0, bytes: `{"n":${n}}` })),
    });

  /** A runner without runs: what it reserves stays held until the test commits it. */
  const setUp = (capacity: number) => {
    const holdings = new Holdings();
    const said: string[] = [];
    const down: number[] = [];
    const asked: boolean[] = [];
    const events = { started: [] as number[], fenced: 0, unknown: [] as number[] };
    const fetcher = new Fetcher({
      epoch: "e",
      queues: ["q"],
      capacity,
      clock,
      lowestFirstEvery: null,
      room: (releasing) => capacity - holdings.size + releasing,
      isEmpty: (releasing) => holdings.size <= releasing,
      say: (what) => said.push(what),
    });
    const line = (event: string, fields?: Readonly<Record<string, unknown>>) => void logged.push({ event, ...fields });
    const log = { ...silentLogger, warn: line, info: line };
    const committer = new Committer({ holdings, clock, log, onApplied: () => {} });
    const take = (deliveries: readonly Delivery[]) =>
      deliveries.filter(({ id }) => !holdings.get(id.number)).map((delivery) => holdings.add(delivery));
    wire = new Wire({
      epoch: "e",
      store: { ...store, broker },
      clock,
      log,
      fetcher,
      committer,
      onReserved: ({ deliveries }) => {
        const fresh = take(deliveries);
        return () => void events.started.push(...fresh.map((held) => held.number));
      },
      onReconciled: (inStore) => {
        for (const held of take(inStore)) {
          events.unknown.push(held.number);
          if (!committer.addAgain(held)) events.started.push(held.number);
        }
      },
      onFenced: () => {
        events.fenced += 1;
        wire?.close();
      },
      onQuiet: () => {},
      onAsking: (asking) => void asked.push(asking),
      onStoreDown: (forMs) => void down.push(forMs),
    });
    const commit = (number: number, over: Partial<Commit> = {}) => {
      const held = holdings.get(number);
      if (held === undefined) throw new Error(`delivery ${number} is not held`);
      committer.add(held, new Attempt({ ...bareCommit({ delivery: held.delivery.id }, { kind: "ack" }), ...over }, noOutcome));
      wire?.poke();
    };
    wire.poke();
    return { holdings, said, down, asked, events, commit, fetcher, wire };
  };
  const inFlight = async () => (await store.leases.held("e")).map(({ id }) => id.number);
  const settle = () => clock.advance(0);

  it("sends outcomes that are ready together in one call, with the next reserve", async () => {
    await publish(10);
    const { commit, events } = setUp(4);
    await settle();
    expect(events.started).toEqual([1, 2, 3, 4]);
    calls = [];
    commit(1);
    commit(2);
    await settle();
    expect(calls).toEqual([{ commits: [1, 2], reserve: 2, number: 3 }]);
    expect(events.started).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("asks for half of its capacity at a time, so that one half runs while the other is on the wire", async () => {
    await publish(10);
    setUp(4);
    await settle();
    expect(calls.map((call) => call.reserve)).toEqual([2, 2]);
  });

  it("says that it asks for messages from the first question that is not answered until one is", async () => {
    faults = ["lost-call", "lost-reply"];
    const { asked, wire } = setUp(2);
    await settle();
    expect(asked).toEqual([true]);
    await clock.advance(500);
    expect(asked).toEqual([true, false]);
    wire.compare();
    await settle();
    expect(asked).toEqual([true, false]);
  });

  it("makes a call whose answer was lost again under the same number, and gets the same messages", async () => {
    await publish(5);
    faults = ["lost-reply"];
    const { events, said, down } = setUp(2);
    await settle();
    expect(events.started).toEqual([]);
    await clock.advance(60);
    expect(calls.map((call) => call.number).slice(0, 2)).toEqual([1, 1]);
    expect(events.started).toEqual([1, 2]);
    expect(await inFlight()).toEqual([1, 2]);
    expect(down[0]).toBe(0);
    expect(down.at(-1)).toBe(0);
    expect(said).toEqual(["full"]);
  });

  it("keeps outcomes while the store is away, says for how long, and settles each once", async () => {
    await publish(3);
    const { commit, holdings, down } = setUp(2);
    await settle();
    faults = ["lost-call", "lost-reply", "lost-call"];
    commit(1);
    await settle();
    commit(2);
    await clock.advance(1000);
    expect(Math.max(...down)).toBeGreaterThan(100);
    expect(logged.map(({ event }) => event)).toEqual(["runner.store-down", "runner.store-back"]);
    expect(holdings.get(1)).toBeUndefined();
    expect(holdings.get(2)).toBeUndefined();
    expect(await inFlight()).toEqual([3]);
    expect((await store.broker.queues.depth(["q"]))[0]).toBe(0);
  });

  it("adopts what the store holds in its name after an outage", async () => {
    const { events, fetcher } = setUp(4);
    await settle();
    // Another connection of ours popped it, and its answer never came.
    await publish(1);
    await store.broker.reserve({ epoch: "e", number: 77, queues: ["q"], count: 1 });
    faults = ["lost-call"];
    fetcher.wake();
    wire?.poke();
    await clock.advance(1000);
    expect(events.unknown).toEqual([1]);
    expect(events.started).toEqual([1]);
  });

  it("commits an outcome again that the store took and has forgotten", async () => {
    await publish(1);
    const { commit, events } = setUp(1);
    await settle();
    const [before] = await store.leases.held("e");
    commit(1);
    await settle();
    expect(await inFlight()).toEqual([]);
    // The store comes back older than it was.
    const held = store.leases.held.bind(store.leases);
    store.leases.held = async () => [before as Delivery];
    calls = [];
    wire?.reconcile();
    await settle();
    store.leases.held = held;
    expect(events.unknown).toEqual([1]);
    expect(calls[0]?.commits).toEqual([1]);
    expect(events.started).toEqual([1]);
  });

  it("remembers an outcome as taken when only the answer was lost", async () => {
    await publish(1);
    const { commit, events, fetcher } = setUp(1);
    await settle();
    const [before] = await store.leases.held("e");
    faults = ["lost-reply"];
    commit(1);
    await clock.advance(1000);
    fetcher.wake();
    wire?.poke();
    await settle();
    const held = store.leases.held.bind(store.leases);
    store.leases.held = async () => [before as Delivery];
    wire?.reconcile();
    await settle();
    store.leases.held = held;
    expect([events.unknown, events.started]).toEqual([[1], [1]]);
  });

  it.each([
    ["rejects", () => Promise.reject(new TypeError("cannot encode this"))],
    [
      "throws",
      () => {
        throw new TypeError("cannot encode this");
      },
    ],
  ] as const)("finds the one outcome for which a whole call %s, and lets its neighbours through", async (_, fail) => {
    await publish(3);
    const { commit, holdings } = setUp(3);
    await settle();
    const isPoisoned = (batch: readonly Commit[]) => batch.some((one) => one.delivery.number === 2 && one.settle.kind === "ack");
    const plain = broker.commit;
    broker.commit = (epoch, batch, options) => (isPoisoned(batch) ? fail() : plain.call(broker, epoch, batch, options));
    for (const number of [1, 2, 3]) commit(number);
    await clock.advance(60_000);
    broker.commit = plain;
    expect(holdings.size).toBe(0);
    const [dead] = await store.deadLetters.list(10);
    expect(dead).toMatchObject({ reason: "refused", delivery: { number: 2 } });
    expect(await store.deadLetters.count()).toBe(1);
  });

  it("stops when its epoch was closed", async () => {
    await publish(2);
    const { commit, events } = setUp(2);
    await settle();
    await store.leases.close("e");
    commit(1);
    await settle();
    expect(events.fenced).toBe(1);
    expect(await inFlight()).toEqual([1, 2]);
  });

  it("compares with the store only when something was said since the last time", async () => {
    let looks = 0;
    const held = store.leases.held.bind(store.leases);
    store.leases.held = (epoch) => {
      looks += 1;
      return held(epoch);
    };
    setUp(1);
    await settle();
    wire?.reconcile();
    await settle();
    wire?.reconcile();
    await settle();
    store.leases.held = held;
    expect(looks).toBe(1);
  });
});
