import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NodeInfo } from "../broker/leases.ts";
import { silentLogger } from "../kernel/logger.ts";
import type { Delivery } from "../message/commit.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import { encodeTaskMessage } from "../message/encode.ts";
import { newTaskMessage, type TaskMessageInit } from "../message/new-task-message.ts";
import { decodeResult } from "../message/results.ts";
import { open } from "../store/memory/index.ts";
import { defaultStoreOptions, type Store } from "../store/store.ts";
import { type ManualClock, manualClock } from "../testing/manual-clock.ts";
import { endDelivery } from "./end-delivery.ts";
import { timeLimitExceeded } from "./ended-outcomes.ts";
import type { FactsOf } from "./outcome-attempt.ts";
import { type Blame, settleReleased } from "./settle-released.ts";

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
const died: Blame = { kind: "died", cause: "signal SIGKILL" };
const innocent = (counted: boolean): Blame => ({ kind: "innocent", cause: "a deploy", counted });
const bodyOfChord = { task: "sum", args: [], kwargs: {}, options: { task_id: "body", queue: "q" }, subtask_type: null, immutable: false };

describe("settleReleased", () => {
  let clock: ManualClock;
  let store: Store;
  const factsOf: FactsOf = (ended) => ({
    ...ended,
    task: undefined,
    now: clock.now(),
    runtimeMs: ended.runtimeMs,
    settings: {
      resultExpiresMs: 86_400_000,
      resultExtended: false,
      ignoreResult: false,
      storeErrorsEvenIfIgnored: false,
      isErrback: () => false,
      inheritPriority: false,
      errbacksOnHeaders: false,
      routing: { route: () => ({ queue: "q" }) as never },
      limits: { maxPayloadBytes: 1e6, typedValues: true },
    },
  });

  beforeEach(async () => {
    clock = manualClock();
    const onFault = (fault: unknown) => {
      throw fault;
    };
    store = await open("memory:", { ...defaultStoreOptions, clock, onFault });
    await store.leases.announce(node as NodeInfo);
    await store.leases.open("n", "e");
  });
  afterEach(() => store.close());

  const publish = (...messages: readonly (TaskMessageInit | string)[]) =>
    store.broker.publish({
      messages: messages.map((init) =>
        typeof init === "string"
          ? { taskId: "x", queue: "q", priority: 0, bytes: init }
          : { taskId: init.id ?? "x", queue: "q", priority: 0, bytes: encodeTaskMessage(newTaskMessage(init)) },
      ),
    });
  const reserve = (count: number, number = 1) => store.broker.reserve({ epoch: "e", number, queues: ["q"], count });
  const release = async (blame: Blame) => {
    const deliveries = await store.leases.close("e");
    return settleReleased({ broker: store.broker, epoch: "e", deliveries, blame, factsOf, nodeName: "celery@h", log: silentLogger });
  };
  const waiting = async () => (await store.broker.queues.peek("q", 100)).map((bytes) => decodeTaskMessage(bytes));
  const result = async (id: string) => {
    const [found] = await store.results.load([id]);
    return found && decodeResult(found.document);
  };

  it("puts messages back in front, oldest first, marked as kombu marks them", async () => {
    await publish({ id: "a", task: "t" }, { id: "b", task: "t" }, { id: "c", task: "t" });
    await reserve(2);
    expect(await release(innocent(false))).toEqual({ quarantined: 0, requeued: 2, ended: 0, deadLettered: 0 });
    const back = await waiting();
    expect(back.map(({ id, redelivered }) => [id, redelivered])).toEqual([
      ["a", true],
      ["b", true],
      ["c", false],
    ]);
    expect(back.map(({ lovage }) => lovage)).toEqual([{}, {}, {}]);
    expect(await store.leases.held("e")).toEqual([]);
  });

  it("charges the only message in flight with the death of its runner", async () => {
    await publish({ id: "a", task: "t", lovage: { lost: 2 } });
    await reserve(1);
    await release(died);
    expect((await waiting())[0]?.lovage).toEqual({ deaths: 1, lost: 2 });
  });

  it("charges several only as lost, unless it is known which one had started", async () => {
    await publish({ id: "a", task: "t" }, { id: "b", task: "t" });
    await reserve(2);
    await release(died);
    expect((await waiting()).map(({ lovage }) => lovage)).toEqual([{ lost: 1 }, { lost: 1 }]);
  });

  it("charges the one that is known to have run", async () => {
    await publish({ id: "a", task: "t" }, { id: "b", task: "t" });
    await reserve(2);
    await release({ ...died, started: [1] });
    expect((await waiting()).map(({ lovage }) => lovage)).toEqual([{ deaths: 1 }, { lost: 1 }]);
  });

  describe("with a quarantine", () => {
    const quarantined: { number: number; lovage: unknown }[] = [];
    const release = async (blame: Blame) => {
      quarantined.length = 0;
      const deliveries = await store.leases.close("e");
      const quarantine = async (suspects: readonly { number: number; bytes?: Uint8Array | string }[]) => {
        for (const { number, bytes } of suspects) quarantined.push({ number, lovage: decodeTaskMessage(bytes as string).lovage });
      };
      return settleReleased({ broker: store.broker, epoch: "e", deliveries, blame, factsOf, nodeName: "n", log: silentLogger, quarantine });
    };

    it("sends all that may be the cause there, marked, and charges none of them", async () => {
      await publish({ id: "a", task: "t" }, { id: "b", task: "t", lovage: { deaths: 1 } });
      await reserve(2);
      expect(await release(died)).toEqual({ quarantined: 2, requeued: 0, ended: 0, deadLettered: 0 });
      expect(quarantined).toEqual([
        { number: 1, lovage: { suspected: 1 } },
        { number: 2, lovage: { deaths: 1, suspected: 1 } },
      ]);
    });

    it("charges what dies alone with its death in company as well", async () => {
      await publish({ id: "a", task: "t", lovage: { suspected: 1 } });
      await reserve(1);
      await release(died);
      expect(quarantined).toEqual([{ number: 1, lovage: { deaths: 2, suspected: 0 } }]);
    });

    it("only suspects the single message of a runner that others died with", async () => {
      await publish({ id: "a", task: "t" });
      await reserve(1);
      await release({ ...died, inCompany: true });
      expect(quarantined).toEqual([{ number: 1, lovage: { suspected: 1 } }]);
    });

    it("gives up there too, with the cause and how often it ran", async () => {
      await publish({ id: "a", task: "t", lovage: { deaths: 2, suspected: 0 } });
      await reserve(1);
      expect(await release({ ...died, death: "segfault" })).toEqual({ quarantined: 0, requeued: 0, ended: 1, deadLettered: 1 });
      expect(await store.deadLetters.list(1)).toMatchObject([{ reason: "poison", cause: "segfault", attempts: 3 }]);
    });

    it("leaves the innocent to their queues", async () => {
      await publish({ id: "a", task: "t" }, { id: "b", task: "t" });
      await reserve(2);
      expect(await release(innocent(true))).toMatchObject({ quarantined: 0, requeued: 2 });
    });
  });

  it("gives a message up that killed its runner three times: FAILURE, errbacks, and a dead letter with the cause", async () => {
    const errback = { ...bodyOfChord, task: "on_error", options: { task_id: "eb", queue: "q" } };
    await publish({ id: "a", task: "t", lovage: { deaths: 2 }, errbacks: [errback] });
    await reserve(1);
    expect(await release(died)).toEqual({ quarantined: 0, requeued: 0, ended: 1, deadLettered: 1 });
    expect(await result("a")).toMatchObject({
      state: "FAILURE",
      result: {
        exc_type: "WorkerLostError",
        exc_message: ["Worker exited prematurely: signal SIGKILL"],
        exc_module: "billiard.exceptions",
      },
    });
    const [dead] = await store.deadLetters.list(1);
    expect(dead).toMatchObject({ reason: "poison", detail: "died with its runner 3 times, the last time by signal SIGKILL" });
    expect((await waiting()).map(({ task, args }) => [task, args])).toEqual([["on_error", ["a"]]]);
  });

  it("gives a message up that was lost ten times", async () => {
    await publish({ id: "a", task: "t", lovage: { lost: 8 } });
    await reserve(1);
    await release(innocent(true));
    expect((await waiting())[0]?.lovage).toEqual({ lost: 9 });
    await store.leases.open("n", "e2");
    await store.broker.reserve({ epoch: "e2", number: 1, queues: ["q"], count: 1 });
    const deliveries = await store.leases.close("e2");
    const settle = { broker: store.broker, epoch: "e2", deliveries, factsOf, nodeName: "celery@h", log: silentLogger };
    await settleReleased({ ...settle, blame: innocent(true) });
    expect(await store.deadLetters.list(1)).toMatchObject([{ reason: "lost" }]);
    expect(await result("a")).toMatchObject({ state: "FAILURE" });
  });

  it("ends what was acknowledged early, and never runs it again", async () => {
    await publish({ id: "a", task: "t" });
    await reserve(1);
    await store.broker.mark("e", [{ kind: "acked-early", number: 1 }]);
    expect(await release(innocent(false))).toEqual({ quarantined: 0, requeued: 0, ended: 1, deadLettered: 0 });
    expect(await waiting()).toEqual([]);
    expect(await result("a")).toMatchObject({ state: "FAILURE", result: { exc_type: "WorkerLostError" } });
    expect(await store.deadLetters.count()).toBe(0);
  });

  it("joins the chord of a lost last member with an error, in the same step", async () => {
    const chord = { chord: bodyOfChord, groupId: "g" };
    await publish({ id: "a", task: "t", ...chord, groupIndex: 0 });
    await store.broker.publish({ messages: [], chords: [{ groupId: "g", size: 1, expiresMs: null }] });
    await reserve(1);
    await store.broker.mark("e", [{ kind: "acked-early", number: 1 }]);
    await release(innocent(false));
    expect(await result("body")).toMatchObject({ state: "FAILURE", result: { exc_type: "ChordError" } });
  });

  it("moves bytes that are no message unchanged", async () => {
    await publish("garbage");
    await reserve(1);
    await release(died);
    expect((await store.broker.queues.peek("q", 1)).map((bytes) => new TextDecoder().decode(bytes))).toEqual(["garbage"]);
  });

  it("takes no nonsense for a count", async () => {
    const lovage = { deaths: "many", lost: -3 } as never;
    await publish({ id: "a", task: "t", lovage });
    await reserve(1);
    await release(died);
    expect((await waiting())[0]?.lovage).toEqual({ deaths: 1, lost: -3 });
  });

  it("may be repeated: what is settled already is settled", async () => {
    await publish({ id: "a", task: "t" }, { id: "b", task: "t" });
    await reserve(2);
    const deliveries: readonly Delivery[] = await store.leases.close("e");
    const options = { broker: store.broker, epoch: "e", deliveries, blame: died, factsOf, nodeName: "celery@h", log: silentLogger };
    await settleReleased(options);
    expect(await settleReleased(options)).toEqual({ quarantined: 0, requeued: 0, ended: 0, deadLettered: 0 });
    expect((await waiting()).map(({ id, lovage }) => [id, lovage])).toEqual([
      ["a", { lost: 1 }],
      ["b", { lost: 1 }],
    ]);
  });

  describe("endDelivery", () => {
    const options = async () => {
      const [delivery] = await store.leases.held("e");
      return { broker: store.broker, delivery: delivery as Delivery, factsOf, nodeName: "celery@h", log: silentLogger };
    };

    it("writes a hard limit while the code still runs, once", async () => {
      await publish({ id: "a", task: "t" });
      await reserve(1);
      const end = { ...(await options()), outcome: timeLimitExceeded(0.5), runtimeMs: 512 };
      expect(await endDelivery(end)).toBe("applied");
      expect(await endDelivery(end)).toBe("fenced");
      expect(await result("a")).toMatchObject({
        state: "FAILURE",
        traceback: null,
        result: { exc_type: "TimeLimitExceeded", exc_message: [0.5], exc_module: "billiard.exceptions" },
      });
      expect(await store.counters()).toMatchObject({ "t|FAILURE": 1 });
    });

    it("writes on behalf of a runner that is gone", async () => {
      await publish({ id: "a", task: "t" });
      await reserve(1);
      await store.leases.close("e");
      const end = { ...(await options()), outcome: { kind: "revoked", reason: "terminated" } as const };
      await expect(endDelivery(end)).rejects.toMatchObject({ code: "LOVAGE_EPOCH_CLOSED" });
      expect(await endDelivery({ ...end, epochClosed: true })).toBe("applied");
      expect(await result("a")).toMatchObject({ state: "REVOKED" });
    });
  });
});
