import { expect, it } from "vitest";
import type { DeliveryId } from "../message/commit.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { AnyTask } from "../task/task-definition.ts";
import type { ContinuationSettings, Facts } from "./facts.ts";

/** 2026-11-21T10:00:00Z */
export const testNow = 1_795_255_200_000;
export const testDelivery: DeliveryId = { epoch: "e1", number: 1 };

export const testSettings: ContinuationSettings = {
  resultExpiresMs: 86_400_000,
  resultExtended: false,
  ignoreResult: false,
  storeErrorsEvenIfIgnored: false,
  inheritPriority: false,
  routing: { route: () => ({ queue: "celery", priority: 0, expires: null, ignoreResult: null }) },
  limits: { maxPayloadBytes: 1_000_000, typedValues: true },
};

export function testFacts(message: TaskMessage, over: { task?: AnyTask; settings?: Partial<ContinuationSettings> } = {}): Facts {
  return {
    message,
    delivery: testDelivery,
    queue: message.routingKey,
    task: over.task,
    now: testNow,
    runtimeMs: 3,
    nodeName: "w1@host",
    settings: { ...testSettings, ...over.settings },
  };
}

it("facts of a test name the message's own queue", () => {
  expect(testFacts({ routingKey: "q" } as TaskMessage).queue).toBe("q");
});
