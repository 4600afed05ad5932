import { describe, expect, it } from "vitest";
import { abortFlag, SlotTable, slotState } from "./slot-table.ts";
import { Watchdog } from "./watchdog.ts";

function watched(slots = 2) {
  const table = new SlotTable(slots);
  const watchdog = new Watchdog();
  watchdog.add("epoch", table);
  table.beat(1000);
  return { table, watchdog };
}

describe("a watchdog", () => {
  it("raises the flag at the soft limit and says so once", () => {
    const { table, watchdog } = watched();
    table.take(0, 5, 1000, 1100, 0);
    expect(watchdog.look(1099)).toEqual([]);
    expect(watchdog.look(1100)).toEqual([{ t: "soft-limit", epoch: "epoch", number: 5 }]);
    expect(table.aborted(0)).toBe(abortFlag.softLimit);
    expect(watchdog.look(1101)).toEqual([]);
  });

  it("keeps the first reason: a run that was cancelled hears of no soft limit", () => {
    const { table, watchdog } = watched();
    table.take(0, 5, 1000, 1100, 0);
    expect(watchdog.cancel("epoch", 5)).toBe(true);
    expect(watchdog.look(1100)).toEqual([]);
    expect(table.aborted(0)).toBe(abortFlag.cancelled);
  });

  it("says the hard limit once per delivery, suspended or not, with the loop's lag", () => {
    const { table, watchdog } = watched();
    table.take(0, 5, 1000, 0, 1200);
    table.setState(0, slotState.suspended);
    expect(watchdog.look(1300)).toEqual([{ t: "hard-limit", epoch: "epoch", number: 5, limitMs: 200, loopLagMs: 200 }]);
    expect(watchdog.look(1301)).toEqual([]);
    table.free(0);
    table.take(0, 6, 1300, 0, 1310);
    expect(watchdog.look(1310)).toMatchObject([{ t: "hard-limit", number: 6 }]);
  });

  it("leaves abandoned runs alone", () => {
    const { table, watchdog } = watched();
    table.take(0, 5, 1000, 1100, 1200);
    table.setState(0, slotState.abandoned);
    expect(watchdog.look(1300)).toEqual([]);
  });

  it("names what may block the loop, again when the lag has doubled", () => {
    const { table, watchdog } = watched(3);
    table.take(0, 5, 1000, 0, 0);
    table.take(1, 6, 1000, 0, 0);
    table.setState(1, slotState.suspended);
    expect(watchdog.look(2000)).toEqual([]);
    expect(watchdog.look(2200)).toEqual([{ t: "loop-blocked", epoch: "epoch", lagMs: 1100, numbers: [5] }]);
    expect(watchdog.look(2900)).toEqual([]);
    expect(watchdog.look(3200)).toMatchObject([{ t: "loop-blocked", lagMs: 2100 }]);
    table.beat(3200);
    expect(watchdog.look(3250)).toEqual([]);
    expect(watchdog.look(4400)).toMatchObject([{ t: "loop-blocked", lagMs: 1100 }]);
  });

  it("blames no loop that runs nothing", () => {
    const { watchdog } = watched();
    expect(watchdog.look(90_000)).toEqual([]);
  });

  it("may rest when all of its loops do", () => {
    const { table, watchdog } = watched();
    const other = new SlotTable(1);
    watchdog.add("other", other);
    expect(watchdog.awake).toBe(true);
    table.beat(0);
    expect(watchdog.awake).toBe(false);
    other.beat(2000);
    expect(watchdog.awake).toBe(true);
    watchdog.remove("other");
    expect(watchdog.awake).toBe(false);
  });

  it("tells slots by runner, and forgets those that are gone", () => {
    const { table, watchdog } = watched();
    table.take(1, 9, 1000, 0, 0);
    expect(watchdog.slots(1250)).toEqual([
      { epoch: "epoch", tasksDone: 0, loopLagMs: 150, askingMs: 0, taken: [{ number: 9, runningMs: 250, state: "running" }] },
    ]);
    table.free(1);
    expect(watchdog.slots(1250)[0]?.tasksDone).toBe(1);
    watchdog.remove("epoch");
    expect(watchdog.slots(1250)).toEqual([]);
  });
});
