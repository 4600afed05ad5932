import { describe, expect, it } from "vitest";
import { newSharedMemory } from "../../pool/shared-memory.ts";
import { RevokeFilter } from "./revoke-filter.ts";

describe("RevokeFilter", () => {
  it("grows by what is in it, and is used again when that has expired", () => {
    const filter = new RevokeFilter();
    const add = (from: number, count: number, expiresAt: number, now: number) => {
      for (let i = from; i < from + count; i++) filter.add(`i${i}`, expiresAt, now);
    };
    const empty = filter.bytes;
    expect(empty).toBeLessThan(8192);
    add(0, 200_000, 1000, 0);
    const full = filter.bytes;
    expect((full - empty) / 200_000).toBeLessThan(4);
    expect(Array.from({ length: 200_000 }, (_, i) => filter.mayHave(`i${i}`, 999)).every((found) => found)).toBe(true);
    expect([filter.isEmpty(999), filter.isEmpty(1000)]).toEqual([false, true]);
    add(200_000, 200_000, 3000, 2000);
    expect(filter.bytes).toBe(full);
    expect(filter.mayHave("i399999", 2000)).toBe(true);
    const seeming = Array.from({ length: 100_000 }, (_, i) => filter.mayHave(`i${i}`, 2000)).filter((found) => found);
    expect(seeming.length).toBeLessThan(100_000 / 4);
  });

  it("is the same for all who share its memory", () => {
    const memory = newSharedMemory();
    const [one, other] = [new RevokeFilter(memory), new RevokeFilter(memory)];
    one.add("ia", 1000, 0);
    other.add("ib", 1000, 0);
    one.publish(7);
    expect([one, other].map((filter) => [filter.mayHave("ia", 0), filter.mayHave("ib", 0), filter.version])).toEqual([
      [true, true, 7],
      [true, true, 7],
    ]);
    expect([one.passTurn(0, 5), other.passTurn(0, 6), other.turn]).toEqual([true, false, 5]);
  });

  it("says rather too often than too seldom what it may have, when there is no more room", () => {
    const filter = new RevokeFilter(new SharedArrayBuffer(0, { maxByteLength: 2 ** 18 }));
    for (let i = 0; i < 100_000; i++) filter.add(`i${i}`, 1000, 0);
    expect(Array.from({ length: 100_000 }, (_, i) => filter.mayHave(`i${i}`, 0)).every((found) => found)).toBe(true);
  });
});
