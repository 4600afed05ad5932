import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startHeartbeat } from "./hosted-runner.ts";
import { SlotTable } from "./slot-table.ts";

describe("the heartbeat of a runner's loop", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "hrtime"] }));
  afterEach(() => void vi.useRealTimers());

  it("rests when nothing has run for a second, and beats again before the next run gets control", () => {
    const slots = new SlotTable(2);
    vi.advanceTimersByTime(1000);
    let wakes = 0;
    const stop = startHeartbeat(slots, () => {
      wakes += 1;
    });
    vi.advanceTimersByTime(50);
    expect(slots.lastBeat).toBeGreaterThan(0);
    slots.take(0, 1, 0, 0, 0);
    vi.advanceTimersByTime(60_000);
    expect(slots.lastBeat).toBeGreaterThan(0);
    slots.free(0);
    vi.advanceTimersByTime(900);
    expect(slots.lastBeat).toBeGreaterThan(0);
    vi.advanceTimersByTime(300);
    expect([slots.lastBeat, vi.getTimerCount(), wakes]).toEqual([0, 0, 1]);
    slots.take(1, 2, 0, 0, 0);
    expect(slots.lastBeat).toBeGreaterThan(0);
    expect([vi.getTimerCount(), wakes]).toEqual([1, 2]);
    slots.take(0, 3, 0, 0, 0);
    expect([vi.getTimerCount(), wakes]).toEqual([1, 2]);
    stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
