import { describe, expect, it } from "vitest";
import { silentLogger } from "../../kernel/logger.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { consumingWatchdog } from "./consuming-watchdog.ts";

async function watching(state: { waiting: number; idle: number; progress: string; unanswered?: number; fails?: boolean }) {
  const clock = manualClock();
  const said: string[] = [];
  const service = consumingWatchdog({
    clock,
    log: silentLogger,
    waiting: async () => {
      if (state.fails) throw new Error("store down");
      return state.waiting;
    },
    idleRunners: () => state.idle,
    unansweredRunners: async () => state.unanswered ?? 0,
    progress: async () => state.progress,
    onLook: () => {},
    restartWaking: async () => void said.push("restart"),
    giveUp: () => said.push("give up"),
  });
  await service.start();
  return { clock, said, stop: () => service.stop({ mode: "warm", graceMs: 0 }) };
}

describe("the consuming watchdog", () => {
  it("restarts waking after 15 s without movement, and gives up after 15 s more", async () => {
    const { clock, said, stop } = await watching({ waiting: 3, idle: 1, progress: "same" });
    await clock.advance(14_000);
    const from = clock.monotonic();
    while (said.length === 0) await clock.advance(1000);
    expect(said).toEqual(["restart"]);
    // Noticed within 15 s.
    expect(clock.monotonic() - from).toBeLessThanOrEqual(31_000);
    const restarted = clock.monotonic();
    while (said.length === 1) await clock.advance(1000);
    expect(said).toEqual(["restart", "give up"]);
    expect(clock.monotonic() - restarted).toBe(15_000);
    await stop();
  });

  it("gives up on questions that nobody answers, though what was meant for them has left the queue", async () => {
    const { clock, said, stop } = await watching({ waiting: 0, idle: 0, unanswered: 1, progress: "same" });
    await clock.advance(60_000);
    expect(said).toEqual(["restart", "give up"]);
    await stop();
  });

  it("starts anew when something moved in between", async () => {
    const state = { waiting: 3, idle: 1, progress: "a" };
    const { clock, said, stop } = await watching(state);
    for (const progress of ["b", "c", "d", "e", "f"]) {
      await clock.advance(12_000);
      state.progress = progress;
    }
    expect(said).toEqual([]);
    await stop();
  });

  it.each([
    ["queues are empty", { waiting: 0, idle: 1, progress: "" }],
    ["all runners are busy", { waiting: 9, idle: 0, progress: "" }],
    ["the store does not answer", { waiting: 9, idle: 1, progress: "", fails: true }],
  ])("is quiet while %s", async (_, state) => {
    const { clock, said, stop } = await watching(state);
    await clock.advance(120_000);
    expect(said).toEqual([]);
    await stop();
  });
});
