/** Facts of a commit, for tests: all defaults, a fixed clock. */

import type { ContinuationSettings, Facts } from "../src/execution/facts.ts";
import type { DeliveryId } from "../src/message/commit.ts";
import type { TaskMessage } from "../src/message/task-message.ts";
import type { AnyTask } from "../src/task/task-definition.ts";

/** 2026-11-21T10:00:00Z */
export const testNow = 1_795_255_200_000;
export const testDelivery: DeliveryId = { epoch: "e1", number: 1 };

export const testSettings: ContinuationSettings = {
  resultExpiresMs: 86_400_000,
  resultExtended: false,
  ignoreResult: false,
  storeErrorsEvenIfIgnored: false,
  isErrback: () => false,
  inheritPriority: false,
  errbacksOnHeaders: false,
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
