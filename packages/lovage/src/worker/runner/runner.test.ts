/** The whole runner against the memory store, on a clock moved by hand. What needs real processes is tested with the pools. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { App } from "../../app/app.ts";
import type { Broker, StandBy } from "../../broker/broker.ts";
import type { NodeInfo } from "../../broker/leases.ts";
import { type Run, tryCurrentRun } from "../../execution/current-run.ts";
import { type ProgressEntry, progressLog } from "../../execution/run-controls.ts";
import { fixed } from "../../kernel/backoff.ts";
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import { silentLogger } from "../../kernel/logger.ts";
import type { CommitReply, Publication } from "../../message/commit.ts";
import { decodeTaskMessage } from "../../message/decode.ts";
import { encodeTaskMessage } from "../../message/encode.ts";
import { newTaskMessage, type TaskMessageInit } from "../../message/new-task-message.ts";
import { decodeResult } from "../../message/results.ts";
import { formatWireTime } from "../../message/wire-time.ts";
import { defaultMiddleware } from "../../middleware/default-middleware.ts";
import type { FromRunner, RunnerSpec } from "../../pool/protocol.ts";
import { abortFlag, SlotTable, slotState } from "../../pool/slot-table.ts";
import { open } from "../../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../../store/store.ts";
import { defineTask } from "../../task/define-task.ts";
import { createRegistry } from "../../task/registry.ts";
import type { AnyTask } from "../../task/task-definition.ts";
import type { TaskOptions } from "../../task/task-options.ts";
import { type ManualClock, manualClock } from "../../testing/manual-clock.ts";
import { type RunnerHandle, startRunner } from "./runner.ts";
import type { RunnerOptions } from "./runner-options.ts";

/** As the run is inside: what `currentRun()` gives, and the ways out that other parts of the library use. */
type InnerRun = Run & { publish(publication: Publication): Promise<void>; suspend<T>(work: Promise<T>): Promise<T> };
const innerRun = () => tryCurrentRun() as InnerRun;

/** A promise that the test settles. */
function gate<T = void>() {
  let open: (value: T) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  const passed = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { passed, open, fail };
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

const node: NodeInfo = {
  id: "n",
  name: "celery@h",
  host: "h",
  bootId: "",
  pid: 1,
  processStart: null,
  pool: "inline",
  slots: 1,
  queues: ["q"],
  tasks: [],
  startedAt: 0,
  runners: [],
};

const noRates = { taskDefaultRateLimit: null, workerDisableRateLimits: false, workerLowestFirstEvery: null };

describe("a runner", () => {
  let clock: ManualClock;
  let store: Store;
  let said: FromRunner[];
  let runner: RunnerHandle | undefined;
  let slots: SlotTable;
  let lastId = 0;

  beforeEach(async () => {
    clock = manualClock();
    said = [];
    runner = undefined;
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
    await store.leases.announce(node);
    await store.leases.open("n", "e");
  });
  afterEach(async () => {
    runner?.receive({ t: "hand-back", epoch: "e", graceMs: 0 });
    await clock.advance(2000);
    await runner?.done;
    await store.close();
  });

  const appOf = (tasks: readonly AnyTask[], over: Partial<App> = {}): App => {
    const registry = createRegistry(tasks);
    const settings = {
      resultExpiresMs: 86_400_000,
      resultExtended: false,
      ignoreResult: false,
      storeErrorsEvenIfIgnored: false,
      isErrback: () => false,
      inheritPriority: false,
      errbacksOnHeaders: false,
      routing: { route: () => ({ queue: "q" }) as never },
      limits: { maxPayloadBytes: 1e6, typedValues: true },
    };
    const app: Partial<App> = {
      config: { taskTimeLimit: null, taskSoftTimeLimit: null, taskAcksLate: true, taskTrackStarted: false, ...noRates } as App["config"],
      registry,
      execution: {
        sender: { name: "test" } as never,
        middleware: defaultMiddleware,
        once: async (_key, work) => work(),
        now: () => clock.now(),
        random: () => 0.5,
        resultExpiresMs: 86_400_000,
      },
      facts: (ended) => ({ ...ended, task: registry.get(ended.message.task), now: clock.now(), runtimeMs: ended.runtimeMs, settings }),
      state: async () => store.state,
      setup: async () => {},
      teardown: async () => {},
      ...over,
    };
    return app as App;
  };

  interface Setup {
    readonly spec?: Partial<RunnerSpec>;
    readonly options?: Partial<RunnerOptions>;
    readonly app?: Partial<App>;
    readonly rows?: number;
  }
  const start = async (tasks: readonly AnyTask[], { spec, options, app, rows }: Setup = {}) => {
    const whole = {
      epoch: "e",
      queues: ["q"],
      slots: 1,
      ownBell: false,
      prefetch: 1,
      maxTasks: null,
      maxMemoryBytes: null,
      hardMemoryBytes: null,
      nodeName: "celery@h",
      wantsEvents: false,
      nodeStartedAt: 0,
      openSlots: spec?.slots ?? 1,
      ...spec,
    };
    slots = new SlotTable(rows ?? whole.slots);
    runner = await startRunner({
      app: appOf(tasks, app),
      store,
      spec: whole as RunnerSpec,
      slots,
      send: (message) => said.push(message),
      log: silentLogger,
      clock,
      ...options,
    });
    await settle();
    return runner;
  };
  /** Lets everything run that needs no time. */
  const settle = async () => {
    for (let turn = 0; turn < 12; turn++) await clock.advance(0);
  };
  const publish = async (...messages: readonly Partial<TaskMessageInit>[]) => {
    const whole = messages.map((init) => newTaskMessage({ task: "t", id: `id-${++lastId}`, ...init }));
    await store.broker.publish({
      messages: whole.map((one) => ({ taskId: one.id, queue: "q", priority: one.priority, bytes: encodeTaskMessage(one) })),
    });
    return whole.map((one) => one.id);
  };
  const wake = async () => {
    runner?.receive({ t: "wake", epoch: "e" });
    await settle();
  };
  const result = async (id: string | undefined) => {
    const [found] = await store.results.load([id ?? ""]);
    return found && decodeResult(found.document);
  };
  const waiting = async () => (await store.broker.queues.peek("q", 100)).map((bytes) => decodeTaskMessage(bytes));
  const inFlight = async () => (await store.leases.held("e")).map(({ id }) => id.number);
  const heard = (t: FromRunner["t"]) => said.filter((message) => message.t === t);
  const task = (handler: (...args: unknown[]) => unknown, options: TaskOptions = {}) => defineTask("t", options, handler as () => unknown);
  /** A store whose broker the test may get in the way of. */
  const broker = (over: Partial<Broker>): Store => {
    const { queues, features } = store.broker;
    const plain: Broker = {
      queues,
      features,
      publish: (publication, options) => store.broker.publish(publication, options),
      reserve: (call) => store.broker.reserve(call),
      commit: (epoch, batch, options) => store.broker.commit(epoch, batch, options),
      mark: (epoch, batch) => store.broker.mark(epoch, batch),
    };
    return { ...store, broker: { ...plain, ...over } };
  };

  describe("limits", () => {
    it("lets as many run as there are places, goes on with others, and starts the next when one ends", async () => {
      const ends = new Map<number, () => void>();
      const limited = defineTask("t", { concurrency: 2 }, (n: number) => new Promise<void>((end) => ends.set(n, end)));
      const free = defineTask("free", () => "done");
      await publish(...[1, 2, 3].map((n) => ({ args: [n] })));
      const [other] = await publish({ task: "free" });
      await start([limited, free], { spec: { slots: 3 } });
      expect([...ends.keys()]).toEqual([1, 2]);
      expect(await result(other)).toMatchObject({ state: "SUCCESS" });
      ends.get(1)?.();
      await settle();
      expect([...ends.keys()]).toEqual([1, 2, 3]);
      for (const end of ends.values()) end();
    });

    it("counts what has the same key together, and only that", async () => {
      const running: string[] = [];
      const limited = defineTask("t", { concurrency: { limit: 1, per: (who: string) => who } }, async (who: string) => {
        running.push(who);
        await new Promise(() => {});
      });
      await publish(...["a", "a", "b", "a", "c"].map((who) => ({ args: [who] })));
      await start([limited], { spec: { slots: 5 } });
      expect(running).toEqual(["a", "b", "c"]);
    });

    it("starts at the rate, in order, and holds nothing meanwhile", async () => {
      const started: number[] = [];
      const began = clock.now();
      const limited = defineTask("t", { rateLimit: { limit: "10/s" } }, () => void started.push(clock.now() - began));
      await publish({}, {}, {}, {});
      await start([limited], { spec: { slots: 4 } });
      expect(started).toEqual([0]);
      expect(await inFlight()).toEqual([]);
      for (let step = 0; step < 12; step++) await clock.advance(25);
      expect(started).toEqual([0, 100, 200, 300]);
    });

    it("has one bucket per node and task for Celery's rate_limit, the app's default included", async () => {
      const started: string[] = [];
      const own = defineTask("own", { rateLimit: "1/s" }, () => void started.push("own"));
      const usual = defineTask("usual", () => void started.push("usual"));
      const none = defineTask("none", { rateLimit: null }, () => void started.push("none"));
      await publish(...["own", "own", "usual", "usual", "none", "none"].map((name) => ({ task: name })));
      const config = { taskTimeLimit: null, taskSoftTimeLimit: null, taskAcksLate: true, taskTrackStarted: false, ...noRates };
      await start([own, usual, none], { spec: { slots: 6 }, app: { config: { ...config, taskDefaultRateLimit: "2/s" } as App["config"] } });
      expect([...started].sort()).toEqual(["none", "none", "own", "usual"]);
      await clock.advance(500);
      expect(started.slice(4)).toEqual(["usual"]);
      await clock.advance(500);
      expect(started.slice(5)).toEqual(["own"]);
    });

    it("asks nothing where rates are switched off or nothing is limited", async () => {
      const admit = () => Promise.reject(new Error("nothing is to be asked"));
      const limits: Store["limits"] = { ...store.limits, admit, publishUnique: async () => [] };
      const limited = defineTask("t", { rateLimit: "1/h" }, () => 1);
      const config = { taskTimeLimit: null, taskSoftTimeLimit: null, taskAcksLate: true, taskTrackStarted: false };
      const off = { ...config, ...noRates, taskDefaultRateLimit: "1/h", workerDisableRateLimits: true } as App["config"];
      const ids = await publish({}, {}, { task: "free" });
      await start([limited, defineTask("free", () => 1)], {
        spec: { slots: 3 },
        options: { store: { ...store, limits } },
        app: { config: off },
      });
      for (const id of ids) expect(await result(id)).toMatchObject({ state: "SUCCESS" });
    });

    it("fails what has no key, and puts off what cannot be asked for", async () => {
      const broken = defineTask("t", { concurrency: { limit: 1, per: () => JSON.parse("{") } }, () => 1);
      const [id] = await publish({});
      const refused = { kind: "refused", code: "LOVAGE_KEY_WRONG_TYPE", message: "spoilt" } as const;
      const limits: Store["limits"] = { ...store.limits, admit: async () => [refused] };
      const plain = defineTask("plain", { concurrency: 1 }, () => 1);
      const [other] = await publish({ task: "plain" });
      await start([broken, plain], { options: { store: { ...store, limits } } });
      expect(await result(id)).toMatchObject({ state: "FAILURE", result: { exc_type: "SyntaxError" } });
      expect(await result(other)).toBeUndefined();
      expect((await store.leases.promote(9)).nextDueMs).toBe(clock.now() + 60_000);
    });

    it("ends what expired in a line when it does", async () => {
      const limited = defineTask("t", { concurrency: 1 }, () => new Promise(() => {}));
      const [, late] = await publish({}, { expires: formatWireTime(clock.now() + 300) });
      await start([limited], { spec: { slots: 2 } });
      await clock.advance(350);
      await wake();
      expect(await result(late)).toMatchObject({ state: "REVOKED", result: { exc_message: ["expired"] } });
    });
  });

  describe("runs", () => {
    it("what is in its queue, and stores results", async () => {
      const [id] = await publish({ args: [2, 3] });
      await start([task((x, y) => (x as number) + (y as number))]);
      expect(await result(id)).toMatchObject({ state: "SUCCESS", result: 5 });
      expect(await inFlight()).toEqual([]);
      expect(heard("ready")).toEqual([{ t: "ready", epoch: "e", pid: process.pid }]);
      expect(await store.counters()).toMatchObject({ "t|SUCCESS": 1 });
    });

    it("says idle when there is nothing, and goes on when woken", async () => {
      await start([task(() => 1)]);
      expect(heard("idle")).toHaveLength(1);
      const [id] = await publish({});
      await settle();
      expect(await result(id)).toBeUndefined();
      await wake();
      expect(await result(id)).toMatchObject({ state: "SUCCESS" });
      expect(heard("idle")).toHaveLength(2);
    });

    it("as many at once as it has slots, and takes no message that would wait behind another", async () => {
      const gates = [gate(), gate(), gate()];
      let running = 0;
      await publish({ args: [0] }, { args: [1] }, { args: [2] });
      const wait = task(async (n) => {
        running += 1;
        await gates[n as number]?.passed;
        running -= 1;
      });
      await start([wait], { spec: { slots: 2 } });
      expect([running, await inFlight()]).toEqual([2, [1, 2]]);
      gates[0]?.open();
      await settle();
      expect([running, await inFlight()]).toEqual([2, [2, 3]]);
      gates[1]?.open();
      gates[2]?.open();
    });

    it("more than it has slots for only when told to prefetch", async () => {
      const held = gate();
      await publish({}, {}, {}, {});
      await start([task(() => held.passed)], { spec: { slots: 1, prefetch: 3 } });
      expect(await inFlight()).toEqual([1, 2, 3]);
      held.open();
      await settle();
      expect(await inFlight()).toEqual([]);
    });

    it("failures into FAILURE, and what cannot go on the wire too", async () => {
      const [bad, unsendable] = await publish({ args: [0] }, { args: [1] });
      const fails = task((n) => {
        if (n === 0) throw new RangeError("no");
        return () => "a function";
      });
      await start([fails]);
      expect(await result(bad)).toMatchObject({ state: "FAILURE", result: { exc_type: "RangeError", exc_message: ["no"] } });
      expect(await result(unsendable)).toMatchObject({ state: "FAILURE" });
      expect(await inFlight()).toEqual([]);
    });

    it("the next attempt of a retry when it is due", async () => {
      const attempts: number[] = [];
      const [id] = await publish({});
      const flaky = task(() => {
        attempts.push(innerRun().retries);
        if (attempts.length < 3) innerRun().retry({ delayMs: 2000 });
        return "done";
      });
      await start([flaky]);
      expect([attempts, (await result(id))?.state]).toEqual([[0], "RETRY"]);
      await clock.advance(1999);
      expect(attempts).toEqual([0]);
      await clock.advance(1);
      await settle();
      expect(attempts).toEqual([0, 1]);
      await clock.advance(2000);
      await settle();
      expect([attempts, (await result(id))?.result]).toEqual([[0, 1, 2], "done"]);
    });

    it("the body of a chord once, when both members are in", async () => {
      const body = { task: "sum", args: [], kwargs: {}, options: { task_id: "body" }, subtask_type: null, immutable: false };
      const member = (index: number) => ({ args: [index], chord: body, groupId: "g", groupIndex: index });
      await store.broker.publish({ messages: [], chords: [{ groupId: "g", size: 2, expiresMs: null }] });
      await publish(member(0), member(1));
      const sum = defineTask("sum", (parts: number[]) => parts.join("+"));
      await start([task((n) => `part ${n}`), sum], { spec: { slots: 2 } });
      expect(await result("body")).toMatchObject({ state: "SUCCESS", result: "part 0+part 1" });
      expect(await store.counters()).toMatchObject({ "sum|SUCCESS": 1, "t|SUCCESS": 2 });
    });

    it("a child in the slot of a parent that awaits it", async () => {
      const order: string[] = [];
      const parent = defineTask("parent", async () => {
        const run = innerRun();
        const childDone = gate();
        done = childDone.open;
        const child = newTaskMessage({ task: "child", id: "child" });
        await run.publish({ messages: [{ taskId: "child", queue: "q", priority: 0, bytes: encodeTaskMessage(child) }] });
        await run.suspend(childDone.passed);
        order.push("parent");
      });
      let done: () => void = () => {};
      const child = defineTask("child", () => {
        order.push("child");
        done();
      });
      await publish({ task: "parent" });
      await start([parent, child], { rows: 2 });
      await wake();
      expect(order).toEqual(["child", "parent"]);
      expect(await inFlight()).toEqual([]);
    });
  });

  describe("checks", () => {
    it("survives garbage and keeps it with the dead letters", async () => {
      await store.broker.publish({ messages: [{ taskId: "x", queue: "q", priority: 0, bytes: "garbage" }] });
      const [id] = await publish({});
      await start([task(() => 1)]);
      expect(await store.deadLetters.list(5)).toMatchObject([
        { reason: "undecodable", detail: expect.stringContaining("LOVAGE_ENVELOPE_INVALID") },
      ]);
      expect(await result(id)).toMatchObject({ state: "SUCCESS" });
    });

    it("holds an ETA outside of its slots and starts it on time", async () => {
      const [later, now] = await publish({ eta: formatWireTime(clock.now() + 5000) }, {});
      await start([task(() => 1)]);
      expect([await inFlight(), (await result(now))?.state, await result(later)]).toEqual([[], "SUCCESS", undefined]);
      await clock.advance(4999);
      expect(await result(later)).toBeUndefined();
      await clock.advance(1);
      await settle();
      expect(await result(later)).toMatchObject({ state: "SUCCESS" });
    });

    it("ends what was revoked or has expired without running it", async () => {
      let runs = 0;
      const [expired, revoked] = await publish({ expires: formatWireTime(clock.now() - 1) }, {});
      await store.revokes.revoke([{ by: "id", value: revoked ?? "", terminate: false, killAfterMs: 0 }], 60_000);
      await start([task(() => ++runs)]);
      expect(runs).toBe(0);
      expect(await result(expired)).toMatchObject({ state: "REVOKED", result: { exc_message: ["expired"] } });
      expect(await result(revoked)).toMatchObject({ state: "REVOKED", result: { exc_message: ["revoked"] } });
    });

    it("ends what was revoked even when its task is unknown, or not due", async () => {
      const [unknown, later] = await publish({ task: "nope" }, { eta: formatWireTime(clock.now() + 60_000) });
      const refused = [unknown, later].map((id) => ({ by: "id", value: id ?? "", terminate: false, killAfterMs: 0 }) as const);
      await store.revokes.revoke(refused, 60_000);
      await start([task(() => undefined)]);
      expect(await result(unknown)).toMatchObject({ state: "REVOKED" });
      expect(await result(later)).toMatchObject({ state: "REVOKED" });
    });

    it("refuses a prefetched message that was revoked while it waited", async () => {
      const held = gate();
      let runs = 0;
      const [, second] = await publish({}, {});
      await start([task(() => (++runs === 1 ? held.passed : undefined))], { spec: { prefetch: 2 } });
      await store.revokes.revoke([{ by: "id", value: second ?? "", terminate: true, killAfterMs: 0 }], 60_000);
      runner?.receive({ t: "revokes", epoch: "e" });
      await settle();
      held.open();
      await settle();
      expect([runs, (await result(second))?.state]).toEqual([1, "REVOKED"]);
    });

    it("refuses a message that was revoked while its marks were on the way", async () => {
      const held = gate();
      const mark = store.broker.mark.bind(store.broker);
      store.broker.mark = (...call) => held.passed.then(() => mark(...call));
      let runs = 0;
      const [id] = await publish({});
      await start([task(() => ++runs, { trackStarted: true })]);
      await store.revokes.revoke([{ by: "id", value: id ?? "", terminate: true, killAfterMs: 0 }], 60_000);
      runner?.receive({ t: "revokes", epoch: "e" });
      await settle();
      held.open();
      await settle();
      expect([runs, (await result(id))?.state]).toEqual([0, "REVOKED"]);
    });

    it("puts an unknown task off, and gives it up after ten minutes with NotRegistered", async () => {
      const [id] = await publish({ task: "nobody" });
      await start([task(() => 1)]);
      expect([await inFlight(), await waiting()]).toEqual([[], []]);
      const began = clock.now();
      while ((await result(id)) === undefined && clock.now() - began < 1_200_000) {
        await clock.advance(1000);
        await settle();
      }
      expect((clock.now() - began) / 60_000).toBeCloseTo(10, 0);
      expect(await result(id)).toMatchObject({ state: "FAILURE", result: { exc_type: "NotRegistered", exc_message: ["nobody"] } });
      expect(await store.deadLetters.list(1)).toMatchObject([{ reason: "unknown-task" }]);
    });
  });

  describe("a task whose retries are used up", () => {
    const failing = (options: TaskOptions) =>
      task(() => {
        throw new TypeError("no such photo");
      }, options);
    const retry = { max: 2, backoff: fixed("1s") };
    const end = async (id: string | undefined) => {
      for (let second = 0; second < 10 && (await result(id))?.state !== "FAILURE"; second++) {
        await clock.advance(1000);
        await settle();
      }
      return store.deadLetters.list(5);
    };

    it("is kept with its last error and the number of its runs, and with the message as it was sent last", async () => {
      const [id] = await publish({ args: ["a"] });
      await start([failing({ retry })]);
      const [letter, ...others] = await end(id);
      expect(letter).toMatchObject({ reason: "retries-exhausted", attempts: 3, detail: "TypeError('no such photo')" });
      expect(decodeTaskMessage(letter?.bytes as Uint8Array)).toMatchObject({ id, args: ["a"], retries: 2 });
      expect(others).toEqual([]);
    });

    it("is not kept where it says so, and one that is not retried only where it says so", async () => {
      const [never] = await publish({ args: [] });
      await start([failing({ retry, deadLetter: "never" })]);
      expect(await end(never)).toEqual([]);
    });
  });

  describe("an unknown task that another node knows", () => {
    it("waits on after ten minutes, until nobody knows it any more", async () => {
      const { fleet } = store.leases;
      let tasks = ["nobody"];
      store.leases.fleet = async () => {
        const { nodes, orphans } = await fleet.call(store.leases);
        return { nodes: nodes.map((pulse) => ({ ...pulse, info: { ...pulse.info, tasks } })), orphans };
      };
      const [id] = await publish({ task: "nobody" });
      await start([task(() => 1)]);
      const pass = async (minutes: number) => {
        for (let second = 0; second < minutes * 60; second++) {
          await clock.advance(1000);
          await settle();
        }
      };
      await pass(15);
      expect([await result(id), await store.deadLetters.count()]).toEqual([undefined, 0]);
      tasks = [];
      await pass(3);
      expect(await store.deadLetters.list(1)).toMatchObject([{ reason: "unknown-task" }]);
    });
  });

  describe("says of a run that it", () => {
    it("was acknowledged early, before its code has control", async () => {
      const seen: (boolean | undefined)[] = [];
      await publish({});
      const early = task(
        async () => {
          const [delivery] = await store.leases.held("e");
          seen.push(delivery?.ackedEarly);
        },
        { acksLate: false },
      );
      await start([early]);
      expect(seen).toEqual([true]);
    });

    it("has started, where that is tracked", async () => {
      const held = gate();
      const [id] = await publish({});
      await start([task(() => held.passed, { trackStarted: true })]);
      expect(await result(id)).toMatchObject({ state: "STARTED", result: { pid: process.pid, hostname: "celery@h" } });
      held.open();
      await settle();
      expect(await result(id)).toMatchObject({ state: "SUCCESS" });
    });

    it("got on, with the last word before its result", async () => {
      const [id] = await publish({});
      const reports = task(() => {
        for (let step = 1; step <= 10; step++) innerRun().progress(step / 10);
      });
      await start([reports]);
      const entries = await store.state.tail(progressLog(id ?? ""), 10);
      expect(entries.map(({ data }) => (JSON.parse(new TextDecoder().decode(data)) as ProgressEntry).fraction)).toEqual([0.1, 1]);
    });

    it("stands in the slot table with its limits while it runs", async () => {
      const held = gate();
      await publish({ timeLimit: 10, softTimeLimit: 4 });
      await start([task(() => held.passed)]);
      const { state, number, startedAt, softAt, hardAt } = slots.view(0);
      expect([state, number, softAt - startedAt, hardAt - startedAt]).toEqual([slotState.running, 1, 4000, 10_000]);
      held.open();
      await settle();
      expect([slots.view(0).state, slots.tasksDone]).toEqual([slotState.free, 1]);
    });
  });

  it("makes no AbortController for runs that never look at their signal", async () => {
    const Original = globalThis.AbortController;
    let made = 0;
    await start([task(() => 1)], { spec: { slots: 4 } });
    await publish({}, {}, {}, {});
    globalThis.AbortController = class extends Original {
      constructor() {
        super();
        made += 1;
      }
    };
    try {
      runner?.receive({ t: "wake", epoch: "e" });
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    } finally {
      globalThis.AbortController = Original;
    }
    expect([slots.tasksDone, made]).toEqual([4, 0]);
  });

  describe("stops a run", () => {
    it("at the soft limit that the watchdog has flagged", async () => {
      const [id] = await publish({});
      await start([task(() => untilAborted(innerRun().signal))]);
      slots.abort(0, abortFlag.softLimit);
      runner?.flagged(1);
      await settle();
      expect(await result(id)).toMatchObject({ state: "FAILURE", result: { exc_type: "SoftTimeLimitExceeded" } });
    });

    it("in a loop that asks, although nothing was posted to it", async () => {
      const [id] = await publish({});
      const loops = task(() => {
        slots.abort(0, abortFlag.softLimit); // the watchdog's thread
        for (;;) innerRun().throwIfAborted();
      });
      await start([loops]);
      expect(await result(id)).toMatchObject({ state: "FAILURE", result: { exc_type: "SoftTimeLimitExceeded" } });
    });

    it("that was revoked with terminate, and tells the supervisor until when, and when it has ended", async () => {
      const cleanup = gate();
      const [id] = await publish({});
      const stubborn = task(async () => {
        const { signal } = innerRun();
        await untilAborted(signal).catch(() => cleanup.passed);
        throw signal.reason;
      });
      await start([stubborn]);
      await store.revokes.revoke([{ by: "root", value: id ?? "", terminate: true, killAfterMs: 1234 }], 60_000);
      runner?.receive({ t: "revokes", epoch: "e" });
      await settle();
      expect(heard("cancelling")).toEqual([{ t: "cancelling", epoch: "e", number: 1, taskId: id, killAfterMs: 1234 }]);
      expect([heard("ended"), await result(id)]).toEqual([[], undefined]);
      cleanup.open();
      await settle();
      expect(heard("ended")).toEqual([{ t: "ended", epoch: "e", number: 1 }]);
      expect(await result(id)).toMatchObject({ state: "REVOKED", result: { exc_message: ["terminated"] } });
    });

    it("only when the revoke says terminate: else it may finish", async () => {
      const held = gate<string>();
      const [id] = await publish({});
      const handler = task(() => Promise.race([untilAborted(innerRun().signal), held.passed]));
      await start([handler]);
      await store.revokes.revoke([{ by: "id", value: id ?? "", terminate: false, killAfterMs: 0 }], 60_000);
      runner?.receive({ t: "revokes", epoch: "e" });
      await settle();
      held.open("finished");
      await settle();
      expect([await result(id), heard("cancelling")]).toMatchObject([{ state: "SUCCESS", result: "finished" }, []]);
    });

    it("that came to its end before the cancel reached it as the success it was", async () => {
      const [id] = await publish({});
      const held = gate<string>();
      await start([task(() => held.passed)]);
      await store.revokes.revoke([{ by: "id", value: id ?? "", terminate: true, killAfterMs: 0 }], 60_000);
      runner?.receive({ t: "revokes", epoch: "e" });
      await settle();
      held.open("finished anyway");
      await settle();
      expect(await result(id)).toMatchObject({ state: "SUCCESS", result: "finished anyway" });
    });

    it("over its head: whatever it still tries fails, and its outcome is dropped", async () => {
      const held = gate();
      const tried: string[] = [];
      const [id] = await publish({});
      const zombie = task(async () => {
        const run = innerRun();
        await held.passed;
        const attempts = {
          publish: () => run.publish({ messages: [] }),
          setState: () => run.setState("MINE"),
          progress: () => run.progress(1),
          emit: () => run.emit("too.late", null),
          ask: () => run.throwIfAborted(),
        };
        for (const [name, attempt] of Object.entries(attempts)) {
          try {
            await attempt();
          } catch (error) {
            tried.push(`${name} ${(error as { code: string }).code}`);
          }
        }
        return "too late";
      });
      const neighbour = gate();
      await start([zombie, defineTask("neighbour", () => neighbour.passed)], { spec: { slots: 2 } });
      await publish({ task: "neighbour" });
      await wake();
      slots.abort(0, abortFlag.softLimit);
      runner?.receive({ t: "abandon", epoch: "e", number: 1 });
      await settle();
      expect(slots.view(0).state).toBe(slotState.abandoned);
      held.open();
      await settle();
      expect(heard("ended")).toEqual([{ t: "ended", epoch: "e", number: 1 }]);
      expect(heard("drained")).toEqual([]);
      neighbour.open();
      await settle();
      await runner?.done;
      expect(heard("drained")).toHaveLength(1);
      expect(tried).toEqual([
        "publish LOVAGE_RUN_OVER",
        "setState LOVAGE_RUN_OVER",
        "progress LOVAGE_RUN_OVER",
        "emit LOVAGE_RUN_OVER",
        "ask LOVAGE_RUN_OVER",
      ]);
      expect([await result(id), await inFlight()]).toEqual([undefined, [1]]);
    });
  });

  describe("ends", () => {
    it("warm: finishes what runs, gives back what waits, in order", async () => {
      const held = gate();
      const ids = await publish({}, {}, {}, {});
      await start([task(() => held.passed)], { spec: { prefetch: 3 } });
      expect(await inFlight()).toEqual([1, 2, 3]);
      runner?.receive({ t: "drain", epoch: "e" });
      await settle();
      expect((await waiting()).map(({ id, redelivered, lovage }) => [id, redelivered, lovage])).toEqual([
        [ids[1], false, {}],
        [ids[2], false, {}],
        [ids[3], false, {}],
      ]);
      expect(heard("drained")).toEqual([]);
      held.open();
      await settle();
      await runner?.done;
      expect(await result(ids[0])).toMatchObject({ state: "SUCCESS" });
      expect(heard("drained")).toEqual([{ t: "drained", epoch: "e", tasksDone: 1 }]);
    });

    it("cold: aborts, commits what ends in time, gives back what was stopped, and leaves to others what does not stop", async () => {
      const never = gate();
      const own = gate();
      const [stops, finishes, fails, stays] = await publish(...["stops", "finishes", "fails", "stays"].map((how) => ({ args: [how] })));
      const handler = task((how) => {
        if (how === "fails") return own.passed;
        const { signal } = innerRun();
        if (how === "stays") return never.passed;
        return how === "stops" ? untilAborted(signal) : untilAborted(signal).catch(() => "in time");
      });
      await start([handler], { spec: { slots: 4 } });
      expect(await inFlight()).toEqual([1, 2, 3, 4]);
      runner?.receive({ t: "hand-back", epoch: "e", graceMs: 400 });
      own.fail(new Error("of its own making"));
      await settle();
      expect(await result(fails)).toMatchObject({ state: "FAILURE", result: { exc_message: ["of its own making"] } });
      expect(await result(finishes)).toMatchObject({ state: "SUCCESS", result: "in time" });
      expect((await waiting()).map(({ id, lovage }) => [id, lovage])).toEqual([[stops, {}]]);
      expect(heard("drained")).toEqual([]);
      await clock.advance(400);
      await runner?.done;
      expect(heard("drained")).toHaveLength(1);
      expect((await store.leases.held("e")).map(({ bytes }) => decodeTaskMessage(bytes).id)).toEqual([stays]);
      never.open();
      await settle();
      expect(await result(stays)).toBeUndefined();
    });

    it("after so many tasks, exactly", async () => {
      await publish({}, {}, {}, {}, {});
      let asked = 0;
      const counting = broker({
        commit: (epoch, batch, options) => {
          asked += options?.reserveNext?.count ?? 0;
          return store.broker.commit(epoch, batch, options);
        },
        reserve: (call) => {
          asked += call.count;
          return store.broker.reserve(call);
        },
      });
      await start([task(() => 1)], { spec: { slots: 2, prefetch: 2, maxTasks: 3 }, options: { store: counting } });
      await runner?.done;
      expect(asked).toBe(3);
      expect(heard("recycle")).toEqual([{ t: "recycle", epoch: "e", reason: "max-tasks" }]);
      expect(heard("drained")).toEqual([{ t: "drained", epoch: "e", tasksDone: 3 }]);
      expect([(await waiting()).length, await inFlight()]).toEqual([2, []]);
    });

    it("between tasks, above so much memory", async () => {
      let used = 100;
      const grows = task(() => {
        used += 50;
      });
      await publish({}, {}, {});
      await start([grows], { spec: { maxMemoryBytes: 180 }, options: { memoryBytes: () => used } });
      await clock.advance(20);
      await wake();
      expect(heard("recycle")).toEqual([]);
      await publish({});
      await clock.advance(20);
      await wake();
      await runner?.done;
      expect(heard("recycle")).toEqual([{ t: "recycle", epoch: "e", reason: "max-memory" }]);
    });

    it("runs its hooks around its life, and says why it cannot start", async () => {
      const order: string[] = [];
      const hook = (name: string) => async () => {
        order.push(name);
      };
      await publish({});
      await start([task(hook("task"))], { app: { setup: hook("setup"), teardown: hook("teardown") } });
      runner?.receive({ t: "drain", epoch: "e" });
      await settle();
      await runner?.done;
      expect(order).toEqual(["setup", "task", "teardown"]);
      said = [];
      const broken = async () => {
        throw new Error("no model file");
      };
      await start([], { app: { setup: broken } });
      await runner?.done;
      expect(said).toMatchObject([{ t: "failed", code: "LOVAGE_SETUP_FAILED", message: expect.stringContaining("no model file") }]);
    });

    it("at once when its epoch was closed: everything it does is void", async () => {
      const held = gate();
      let aborted: unknown;
      const [id] = await publish({});
      const handler = task(async () => {
        const { signal } = innerRun();
        await held.passed;
        aborted = (signal.reason as { code?: string } | undefined)?.code;
      });
      await start([handler], { spec: { slots: 2 } });
      await store.leases.close("e");
      await wake();
      await runner?.done;
      expect(heard("fenced")).toEqual([{ t: "fenced", epoch: "e" }]);
      held.open();
      await settle();
      expect([aborted, await result(id)]).toEqual(["LOVAGE_RUN_OVER", undefined]);
    });
  });

  describe("when the store", () => {
    it("is away, keeps outcomes and their slots, says so, and commits each once it is back", async () => {
      let down = false;
      let runs = 0;
      const [first, second] = await publish({}, {});
      const held = gate();
      const lossy = broker({
        commit: async (epoch, batch, options) => {
          if (down) throw new BrokerUnavailableError("LOVAGE_BROKER_UNAVAILABLE", "away");
          return store.broker.commit(epoch, batch, options);
        },
      });
      const handler = task(async () => {
        runs += 1;
        await held.passed;
      });
      await start([handler], { options: { store: lossy } });
      down = true;
      held.open();
      await clock.advance(5000);
      expect([runs, await result(first)]).toEqual([1, undefined]);
      expect(heard("store-down").at(-1)).toMatchObject({ forMs: expect.any(Number) });
      down = false;
      await clock.advance(3000);
      await settle();
      expect([runs, (await result(first))?.state, (await result(second))?.state]).toEqual([2, "SUCCESS", "SUCCESS"]);
      expect(heard("store-down").at(-1)).toMatchObject({ t: "store-down", forMs: 0 });
    });

    it("took an outcome but its answer was lost, commits it no second time and runs nothing twice", async () => {
      let lose = 1;
      let runs = 0;
      const lossy = broker({
        commit: async (epoch, batch, options) => {
          const committed = await store.broker.commit(epoch, batch, options);
          if (lose-- > 0) throw new BrokerUnavailableError("LOVAGE_BROKER_UNAVAILABLE", "answer lost");
          return committed;
        },
      });
      const ids = await publish({}, {}, {});
      await start([task(() => ++runs)], { options: { store: lossy } });
      await clock.advance(1000);
      await settle();
      expect(runs).toBe(3);
      expect(await Promise.all(ids.map(async (id) => (await result(id))?.state))).toEqual(["SUCCESS", "SUCCESS", "SUCCESS"]);
      expect(await store.counters()).toMatchObject({ "t|SUCCESS": 3 });
    });

    it("refuses a result for good, stores a FAILURE that says so", async () => {
      const refused: CommitReply = { kind: "refused", code: "LOVAGE_TOO_LARGE", message: "600 MiB" };
      const choosy = broker({
        commit: async (epoch, batch, options) => {
          const isBad = batch.some(({ results }) => results.some(({ state }) => state === "SUCCESS"));
          return isBad ? { replies: batch.map(() => refused) } : store.broker.commit(epoch, batch, options);
        },
      });
      const [id] = await publish({});
      await start([task(() => 1)], { options: { store: choosy } });
      expect(await result(id)).toMatchObject({ state: "FAILURE", result: { exc_message: ["600 MiB", "LOVAGE_TOO_LARGE"] } });
      expect(await inFlight()).toEqual([]);
    });

    it("holds a message in our name that we do not know of, adopts it within ten seconds of work", async () => {
      await start([task(() => 1)]);
      const [lost, next] = await publish({}, {});
      await store.broker.reserve({ epoch: "e", number: 900, queues: ["q"], count: 1 });
      const [first] = await store.leases.held("e");
      expect(first).toBeDefined();
      await clock.advance(10_000);
      await settle();
      expect(await result(lost)).toMatchObject({ state: "SUCCESS" });
      expect(await result(next)).toBeUndefined();
    });

    it("no longer holds a message that runs here, abandons the run", async () => {
      const held = gate();
      let code: unknown;
      await publish({});
      const handler = task(async () => {
        const { signal } = innerRun();
        await untilAborted(signal).catch((reason: { code: string }) => {
          code = reason.code;
        });
        await held.passed;
      });
      await start([handler]);
      const [delivery] = await store.leases.held("e");
      await store.broker.commit("e", [
        { delivery: delivery?.id as never, settle: { kind: "ack" }, results: [], publish: [], chords: [], chordParts: [] },
      ]);
      await clock.advance(10_000);
      await settle();
      expect(code).toBe("LOVAGE_RUN_OVER");
      held.open();
    });
  });

  describe("that owns its process", () => {
    const events = ["unhandledRejection", "uncaughtException"] as const;
    let others: ReturnType<typeof process.rawListeners>[];
    // The test runner's own listeners would fail the test for what it is about.
    beforeEach(() => {
      others = events.map((event) => process.rawListeners(event));
      for (const event of events) process.removeAllListeners(event);
    });
    afterEach(async () => {
      runner?.receive({ t: "hand-back", epoch: "e", graceMs: 0 });
      await clock.advance(2000);
      for (const [index, event] of events.entries()) for (const listener of others[index] ?? []) process.on(event, listener as () => void);
    });

    it("fails the run whose promise nobody caught, and only that", async () => {
      const held = gate();
      const [careless, fine] = await publish({ args: [true] }, { args: [false] });
      const handler = task(async (isCareless) => {
        if (isCareless) void Promise.reject(new TypeError("nobody caught me"));
        await held.passed;
        return "looks fine";
      });
      await start([handler], { spec: { slots: 2 }, options: { ownsProcess: true } });
      held.open();
      await settle();
      expect(await result(careless)).toMatchObject({
        state: "FAILURE",
        result: { exc_type: "TypeError", exc_message: ["nobody caught me"] },
      });
      expect(await result(fine)).toMatchObject({ state: "SUCCESS" });
      expect(heard("drained")).toEqual([]);
    });

    it("ends the run that threw into the event loop at once, and makes room for a fresh runner", async () => {
      const held = gate();
      const thrown = gate();
      const [careless, fine] = await publish({ args: [true] }, { args: [false] });
      const handler = task(async (isCareless) => {
        if (!isCareless) return held.passed;
        setImmediate(() => {
          setImmediate(thrown.open);
          throw new TypeError("out of an event");
        });
        return new Promise(() => {});
      });
      await start([handler], { spec: { slots: 2 }, options: { ownsProcess: true } });
      await thrown.passed;
      await settle();
      expect(await result(careless)).toMatchObject({ state: "FAILURE", result: { exc_message: ["out of an event"] } });
      expect(heard("drained")).toEqual([]);
      held.open();
      await settle();
      await runner?.done;
      expect(await result(fine)).toMatchObject({ state: "SUCCESS" });
      expect(heard("drained")).toHaveLength(1);
    });
  });

  describe("messages that the store hands over", () => {
    /** The memory store hands nothing over; these tests do. */
    const handing = async (...tasks: readonly AnyTask[]) => {
      let listener: StandBy | undefined;
      const standBy = (_: string, to: StandBy) => {
        listener = to;
        return () => (listener = undefined);
      };
      Object.assign(store.broker, { standBy });
      await start(tasks);
      if (listener === undefined) throw new Error("the runner does not stand by");
      return listener;
    };
    const ran: unknown[] = [];
    const task = defineTask("t", async (value: unknown) => ran.push(value));
    const reserve = (number: number) => store.broker.reserve({ epoch: "e", number, queues: ["q"], count: 1 });
    beforeEach(() => ran.splice(0));

    it("run at once, and only once, however often it hears of them", async () => {
      const listener = await handing(task);
      await publish({ args: [1] });
      const reserved = await reserve(1000);
      listener.handed(reserved);
      listener.handed(reserved);
      await settle();
      expect([ran, await inFlight()]).toEqual([[1], []]);
      listener.handed(reserved);
      await settle();
      expect(ran).toEqual([1]);
    });

    it("run also when it did not hear of them", async () => {
      const listener = await handing(task);
      await publish({ args: [2] });
      await reserve(1000);
      await settle();
      expect(ran).toEqual([]);
      listener.missed();
      await settle();
      expect([ran, await inFlight()]).toEqual([[2], []]);
    });

    it("go back when it is about to end", async () => {
      const listener = await handing(task);
      const [id] = await publish({ args: [3] });
      const reserved = await reserve(1000);
      runner?.receive({ t: "drain", epoch: "e" });
      listener.handed(reserved);
      await settle();
      expect([ran, (await waiting()).map((message) => message.id)]).toEqual([[], [id]]);
    });
  });
});
