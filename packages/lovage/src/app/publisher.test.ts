import { describe, expect, it } from "vitest";
import type { Broker } from "../broker/broker.ts";
import { BrokerUnavailableError, StoreRefusedError } from "../kernel/errors.ts";
import type { Publication } from "../message/commit.ts";
import { Publisher } from "./publisher.ts";

const publication = (...ids: string[]): Publication => ({
  messages: ids.map((taskId) => ({ taskId, queue: "q", priority: 0, bytes: taskId })),
});

function brokerThat(answer: (publication: Publication) => Promise<void>) {
  const calls: string[][] = [];
  const publish = (given: Publication) => {
    calls.push(given.messages.map(({ taskId }) => taskId));
    return answer(given);
  };
  return { calls, broker: { publish } as unknown as Broker };
}

describe("publishing", () => {
  it("sends what is asked for in one turn as one publication", async () => {
    const { calls, broker } = brokerThat(async () => undefined);
    const publisher = new Publisher(broker, 1000);
    await Promise.all(["a", "b", "c"].map((id) => publisher.publish(publication(id))));
    await publisher.publish(publication("d"));
    expect(calls).toEqual([["a", "b", "c"], ["d"]]);
  });
  it("cuts a large turn into pieces", async () => {
    const { calls, broker } = brokerThat(async () => undefined);
    const publisher = new Publisher(broker, 1000);
    await Promise.all(Array.from({ length: 2500 }, (_, i) => publisher.publish(publication(`${i}`))));
    expect(calls.map(({ length }) => length)).toEqual([1000, 1000, 500]);
  });
  it("gives a refusal to the one that caused it, and sends the others", async () => {
    const { calls, broker } = brokerThat(async ({ messages }) => {
      if (messages.some(({ taskId }) => taskId === "bad")) throw new StoreRefusedError("LOVAGE_TOO_LARGE", "too large");
    });
    const publisher = new Publisher(broker, 1000);
    const answers = await Promise.allSettled(["a", "bad", "c"].map((id) => publisher.publish(publication(id))));
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(calls).toEqual([["a", "bad", "c"], ["a"], ["bad"], ["c"]]);
  });
  it("tells each caller of an absent store its own ids, and does not try again", async () => {
    const { calls, broker } = brokerThat(() =>
      Promise.reject(new BrokerUnavailableError("LOVAGE_BROKER_UNAVAILABLE", "gone", { details: { maybeAccepted: true } })),
    );
    const publisher = new Publisher(broker, 1000);
    const answers = await Promise.allSettled([publisher.publish(publication("a")), publisher.publish(publication("b", "c"))]);
    const details = answers.map((each) => (each.status === "rejected" ? (each.reason as BrokerUnavailableError).details : null));
    expect(details).toEqual([
      { maybeAccepted: true, taskIds: ["a"] },
      { maybeAccepted: true, taskIds: ["b", "c"] },
    ]);
    expect(calls).toHaveLength(1);
  });
});
