import { describe, expect, it } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import { createLoop } from "./service.ts";

const warm = { mode: "warm", graceMs: 0 } as const;

describe("a loop", () => {
  it("works at once and then after each pause, its own or the one it was given", async () => {
    const clock = manualClock();
    const at: number[] = [];
    const loop = createLoop({
      clock,
      everyMs: 100,
      onError: () => {},
      turn: async () => {
        at.push(clock.monotonic());
        return at.length === 2 ? 30 : undefined;
      },
    });
    await loop.start();
    await clock.advance(230);
    expect(at.map((time) => time - (at[0] ?? 0))).toEqual([0, 100, 130, 230]);
    await loop.stop(warm);
    await clock.advance(500);
    expect(at).toHaveLength(4);
  });

  it("reports a turn that throws and goes on", async () => {
    const clock = manualClock();
    const errors: unknown[] = [];
    const loop = createLoop({
      clock,
      everyMs: 10,
      onError: (error) => errors.push(error),
      turn: async () => {
        throw new Error("once more");
      },
    });
    await loop.start();
    await clock.advance(20);
    expect(errors).toHaveLength(3);
    await loop.stop(warm);
  });

  it("may be stopped before it starts, and twice, and waits for the turn under way", async () => {
    const clock = manualClock();
    let finish = () => {};
    let ended = false;
    const loop = createLoop({
      clock,
      everyMs: 10,
      onError: () => {},
      turn: async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        ended = true;
        return undefined;
      },
    });
    await loop.stop(warm);
    await loop.start();
    const stopped = Promise.all([loop.stop(warm), loop.stop(warm)]);
    finish();
    await stopped;
    expect(ended).toBe(true);
  });
});
