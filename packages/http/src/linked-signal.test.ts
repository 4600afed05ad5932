import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { linkedSignal } from "./linked-signal.ts";

/** Also by `AbortSignal.any`, which has a list of its own. */
function knownTo(signal: AbortSignal): number {
  const own = Object.getOwnPropertySymbols(signal).find(({ description }) => /dependant/i.test(description ?? ""));
  const dependants = own && (signal as unknown as Record<symbol, { readonly size: number }>)[own];
  return getEventListeners(signal, "abort").length + (dependants?.size ?? 0);
}

it("aborts with the first of its sources, which know nothing of it afterwards", () => {
  const [one, two] = [new AbortController(), new AbortController()];
  const linked = linkedSignal(one.signal, two.signal);
  expect(linked.signal.aborted).toBe(false);
  two.abort();
  expect(linked.signal.aborted).toBe(true);
  expect(knownTo(one.signal)).toBe(0);
  expect(linkedSignal(one.signal, two.signal).signal.aborted).toBe(true);
  expect(knownTo(one.signal)).toBe(0);
});

it("is forgotten by its sources when it was ended, however often it is made", () => {
  const source = new AbortController();
  for (let i = 0; i < 20; i += 1) linkedSignal(source.signal).end();
  expect(knownTo(source.signal)).toBe(0);
});
