import { describe, expect, it } from "vitest";
import { SlotTable, slotState } from "../../pool/slot-table.ts";
import { Slots } from "./slots.ts";

function slots(limit: number, rows = limit) {
  let freed = 0;
  const table = new SlotTable(rows);
  const made = new Slots(table, limit, () => {
    freed += 1;
  });
  const start = (): number => {
    const row = made.take();
    table.take(row, row + 1, 0, 0, 0);
    return row;
  };
  return { made, table, start, freed: () => freed };
}
const isDone = async (work: Promise<unknown>): Promise<boolean> => {
  let done = false;
  void work.then(() => {
    done = true;
  });
  await new Promise(setImmediate);
  return done;
};

describe("Slots", () => {
  it("is open while a place is free", () => {
    const { made, start } = slots(2);
    const first = start();
    expect(made.open).toBe(true);
    start();
    expect(made.open).toBe(false);
    made.free(first, true);
    expect(made.open).toBe(true);
  });

  it("lends the place of a suspended run, which comes back before any new one", async () => {
    const { made, table, start, freed } = slots(1, 2);
    const parent = start();
    made.suspend(parent);
    expect([freed(), made.open, table.view(parent).state]).toEqual([1, true, slotState.suspended]);
    const child = start();
    const back = made.resume(parent, false);
    expect(await isDone(back)).toBe(false);
    made.free(child, true);
    expect(await isDone(back)).toBe(true);
    expect([made.open, table.view(parent).state]).toEqual([false, slotState.running]);
    made.free(parent, true);
    expect(made.open).toBe(true);
  });

  it("needs a row of the table for each run, suspended ones included", () => {
    const { made, start } = slots(1, 1);
    made.suspend(start());
    expect(made.open).toBe(false);
  });

  it("lets a run that shall stop come back at once", async () => {
    const { made, start } = slots(1, 2);
    const parent = start();
    made.suspend(parent);
    start();
    expect(await isDone(made.resume(parent, true))).toBe(true);
  });

  it("does not leak the place of a run that ends while it is suspended, or while it waits to come back", async () => {
    const { made, start } = slots(1, 3);
    const parent = start();
    made.suspend(parent);
    made.free(parent, true);
    expect(made.open).toBe(true);
    const second = start();
    made.suspend(second);
    const child = start();
    const back = made.resume(second, false);
    made.free(second, true);
    expect(await isDone(back)).toBe(true);
    made.free(child, true);
    expect([made.open, made.suspended]).toEqual([true, 0]);
    start();
    expect(made.open).toBe(false);
  });

  it("leaves an abandoned run marked so", async () => {
    const { made, table, start } = slots(1, 2);
    const parent = start();
    made.suspend(parent);
    table.setState(parent, slotState.abandoned);
    await made.resume(parent, false);
    expect(table.view(parent).state).toBe(slotState.abandoned);
  });
});
