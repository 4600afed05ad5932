import { describe, expect, it } from "vitest";
import type { Reserved } from "../../broker/broker.ts";
import type { Delivery } from "../../message/commit.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { Fetcher } from "./fetcher.ts";

const reserved = (count: number): Reserved => ({
  deliveries: Array.from(
    { length: count },
    (_, n): Delivery => ({ id: { epoch: "e", number: n }, queue: "q", bucket: 0, bytes: new Uint8Array(), ackedEarly: false }),
  ),
  storeNow: 0,
  revokesVersion: 0,
});

function fetcher(capacity: number, room = capacity, lowestFirstEvery: number | null = null) {
  const said: string[] = [];
  const state = { room, held: 0 };
  const clock = manualClock();
  const it = new Fetcher({
    epoch: "e",
    queues: ["q"],
    capacity,
    clock,
    lowestFirstEvery,
    room: (releasing) => state.room + releasing,
    isEmpty: (releasing) => state.held <= releasing,
    say: (what) => said.push(what),
  });
  const call = (releasing = 0) => it.next(releasing);
  const answer = (got: number, releasing = 0) => {
    const made = call(releasing);
    if (made === undefined) throw new Error("no call was made");
    it.received(made, reserved(got));
    return made;
  };
  return { it, said, state, call, answer, clock };
}

describe("Fetcher", () => {
  it("asks for a part of what the runner can hold, and for 64 at most", () => {
    expect(fetcher(1).call()?.count).toBe(1);
    expect(fetcher(8).call()?.count).toBe(4);
    expect(fetcher(100).call()?.count).toBe(34);
    expect(fetcher(1000).call()?.count).toBe(64);
  });

  it("begins at the least urgent priority with every so many-th call, where that is wanted", () => {
    const lowest = (every: number | null) => {
      const { answer } = fetcher(1, 1, every);
      return Array.from({ length: 6 }, () => answer(1).lowestFirst ?? false);
    };
    expect(lowest(null)).toEqual([false, false, false, false, false, false]);
    expect(lowest(3)).toEqual([false, false, true, false, false, true]);
  });

  it("asks for no more than there is room for", () => {
    expect(fetcher(100, 3).call()?.count).toBe(3);
    expect(fetcher(100, 0).call()).toBeUndefined();
    expect(fetcher(1, 0).call(1)?.count).toBe(1);
  });

  it("counts what calls on the wire ask for, less what they release", () => {
    const { it: made, call } = fetcher(100, 40);
    made.onWire(30);
    expect(call()?.count).toBe(10);
    made.onWire(-30);
    expect(call()?.count).toBe(34);
  });

  it("finds a call beside another worth making only for many outcomes of many slots", () => {
    expect([fetcher(100).it.isWellFilled(17), fetcher(100).it.isWellFilled(16), fetcher(8).it.isWellFilled(8)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("numbers its calls", () => {
    const { call } = fetcher(4);
    expect([call()?.number, call()?.number]).toEqual([1, 2]);
  });

  it("says idle once when the queues gave less than asked, and then asks only along with commits until it is woken", () => {
    const { it: made, said, answer, call, state } = fetcher(4);
    answer(1);
    expect(said).toEqual(["idle"]);
    expect(call()).toBeUndefined();
    state.held = 2;
    answer(0, 1);
    expect(said).toEqual(["idle"]);
    made.wake();
    expect(call()?.count).toBe(2);
  });

  it("asks to stand by behind the last outcome, not along with it, unless it knows that more waits", () => {
    const { it: made, answer, call, state } = fetcher(4);
    state.held = 1;
    answer(2, 1);
    expect(call(1)?.standBy).toBe(true);
    answer(1, 1);
    expect(call(1)).toBeUndefined();
    state.held = 0;
    expect(call()).toMatchObject({ standBy: true });
    expect(call()).toBeUndefined();
    made.wake();
    state.held = 1;
    expect(call(1)?.standBy).toBe(true);
  });

  it("says full when a batch came back full, and not in every one of a steady stream", async () => {
    const { said, answer, clock } = fetcher(2);
    answer(1);
    answer(1);
    expect(said).toEqual(["full"]);
    await clock.advance(10);
    answer(1);
    expect(said).toEqual(["full", "full"]);
    answer(0);
    expect(said).toEqual(["full", "full", "idle"]);
  });

  it("does not lose a wake-up that comes while a call is on the wire", () => {
    const { it: made, said, call } = fetcher(4);
    const first = call();
    made.wake();
    made.received(first as NonNullable<typeof first>, reserved(0));
    expect(said).toEqual([]);
    expect(call()).toBeDefined();
  });

  it("asks for nothing once stopped, or without queues", () => {
    const { it: made, call } = fetcher(4);
    made.listenTo([]);
    expect(call()).toBeUndefined();
    made.listenTo(["other"]);
    expect(call()?.queues).toEqual(["other"]);
    made.stop();
    expect(call(1)).toBeUndefined();
  });
});
