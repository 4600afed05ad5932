import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { either } from "./either.ts";

const listeners = (...signals: readonly AbortSignal[]) => signals.map((signal) => getEventListeners(signal, "abort").length);

test.each([0, 1])("aborts with number %i of two, for its reason, and leaves nothing on either", (which) => {
  const sources = [new AbortController(), new AbortController()] as const;
  const [first, second] = [sources[0].signal, sources[1].signal];
  const { signal } = either(first, second);
  expect(signal.aborted).toBe(false);
  const reason = new Error("enough");
  sources[which]?.abort(reason);
  expect(signal.reason).toBe(reason);
  expect(listeners(first, second)).toEqual([0, 0]);
});

test("is aborted at once by one that was, and leaves nothing when it is let go", () => {
  const stays = new AbortController().signal;
  expect(either(stays, AbortSignal.abort("before")).signal.reason).toBe("before");
  either(stays, new AbortController().signal).release();
  expect(listeners(stays)).toEqual([0]);
});
