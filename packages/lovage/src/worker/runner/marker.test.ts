import { describe, expect, it } from "vitest";
import type { Broker } from "../../broker/broker.ts";
import { BrokerUnavailableError, FencedError } from "../../kernel/errors.ts";
import type { Mark } from "../../message/commit.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { Marker } from "./marker.ts";

const state = (number: number) =>
  ({ kind: "state", number, result: { taskId: "t", state: "STARTED", document: "{}", expiresMs: null } }) as const satisfies Mark;
const away = new BrokerUnavailableError("LOVAGE_BROKER_UNAVAILABLE", "away");

function setUp(answer: (marks: readonly Mark[]) => Promise<readonly ("ok" | "fenced")[]>) {
  const clock = manualClock();
  const calls: number[][] = [];
  const fenced: true[] = [];
  const mark: Broker["mark"] = (_epoch, batch) => {
    calls.push(batch.map(({ number }) => number));
    return answer(batch);
  };
  const marker = new Marker({ epoch: "e", broker: { mark } as Broker, clock, onFenced: () => fenced.push(true) });
  return { marker, clock, calls, fenced };
}
const ok = async (marks: readonly Mark[]) => marks.map(() => "ok" as const);

describe("Marker", () => {
  it("sends what is marked in one turn of the loop in one call, and tells each its own answer", async () => {
    const { marker, calls } = setUp(async (marks) => marks.map(({ number }) => (number === 2 ? "fenced" : "ok")));
    expect(await Promise.all([marker.ackEarly(1), marker.ackEarly(2), marker.state(state(3))])).toEqual(["ok", "fenced", "ok"]);
    expect(calls).toEqual([[1, 2, 3]]);
  });

  it("keeps one call on the wire, which later marks wait for together", async () => {
    let release: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { marker, calls, clock } = setUp(async (marks) => {
      if (marks[0]?.number === 1) await first;
      return ok(marks);
    });
    const marks = [marker.ackEarly(1)];
    await clock.advance(0);
    marks.push(marker.ackEarly(2), marker.ackEarly(3));
    await clock.advance(0);
    expect(calls).toEqual([[1]]);
    release();
    await Promise.all(marks);
    expect(calls).toEqual([[1], [2, 3]]);
  });

  it("insists on early acknowledgements until the store answers, and gives a state up at once", async () => {
    let down = true;
    const { marker, clock, calls } = setUp((marks) => (down ? Promise.reject(away) : ok(marks)));
    const early = marker.ackEarly(1);
    await expect(marker.state(state(2))).rejects.toBe(away);
    await clock.advance(1000);
    expect(calls.length).toBeGreaterThan(2);
    down = false;
    await clock.advance(2000);
    expect(await early).toBe("ok");
    expect(calls.at(-1)).toEqual([1]);
  });

  it("says when its epoch was closed", async () => {
    const { marker, clock, fenced } = setUp(() => Promise.reject(new FencedError("LOVAGE_EPOCH_CLOSED", "closed")));
    void marker.ackEarly(1);
    await clock.advance(0);
    expect(fenced).toHaveLength(1);
  });
});
