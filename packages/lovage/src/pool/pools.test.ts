import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { findPool, mostAtOnce, planPool, pools } from "./pools.ts";

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    return isLovageError(error) ? error.code : String(error);
  }
  return undefined;
};

describe("the table of pools", () => {
  it("answers to Celery's names", () => {
    expect([findPool("prefork").name, findPool("gevent").name, findPool("eventlet").name]).toEqual(["processes", "async", "async"]);
  });

  it("has each name once", () => {
    const names = pools.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });

  it("says what there is when a name is unknown", () => {
    expect(() => findPool("fork")).toThrow(/"fork".*processes = prefork/);
  });
});

describe("a plan", () => {
  it("takes runners or slots from -c, as the pool counts", () => {
    expect(planPool({ pool: "async" })).toMatchObject({ runners: 1, slots: 100, host: "process" });
    expect(planPool({ pool: "async", concurrency: 20, processes: 3 })).toMatchObject({ runners: 3, slots: 20, concurrency: 60 });
    expect(planPool({ pool: "processes", concurrency: 4 })).toMatchObject({ runners: 4, slots: 1, concurrency: 4 });
    expect(planPool({ pool: "threads", concurrency: 3 })).toMatchObject({ runners: 3, slots: 1, host: "thread" });
    expect(planPool({ pool: "solo" })).toMatchObject({ runners: 1, slots: 1 });
    expect(planPool({ pool: "inline", concurrency: 5 })).toMatchObject({ runners: 1, slots: 5, host: "inline" });
  });

  it("refuses solo with more than one at a time", () => {
    expect(codeOf(() => planPool({ pool: "solo", concurrency: 2 }))).toBe("LOVAGE_POOL_CONCURRENCY");
    expect(planPool({ pool: "solo", concurrency: 1 }).concurrency).toBe(1);
  });

  it("refuses --processes where runners come from -c", () => {
    expect(codeOf(() => planPool({ pool: "threads", processes: 2 }))).toBe("LOVAGE_POOL_PROCESSES");
  });

  it.each([0, -1, 1.5, Number.NaN, 20_000])("refuses %d as a number", (concurrency) => {
    expect(codeOf(() => planPool({ pool: "async", concurrency }))).toBe("LOVAGE_POOL_NUMBER");
  });

  it("refuses to plan more processes or threads than a machine can be meant to have", () => {
    for (const pool of ["processes", "threads"]) expect(codeOf(() => planPool({ pool, concurrency: 1001 }))).toBe("LOVAGE_POOL_NUMBER");
    expect(mostAtOnce(planPool({ pool: "processes", concurrency: 2 }))).toBe(1000);
    // Each runner's table has rows for so many.
    expect(mostAtOnce(planPool({ pool: "async", concurrency: 100, processes: 2 }))).toBe(400);
  });

  it("starts small where it scales, and has room for the most", () => {
    const autoscale = { max: 10, min: 2 };
    expect(planPool({ pool: "processes", autoscale })).toMatchObject({ runners: 2, slots: 1, openSlots: 1, concurrency: 2 });
    expect(planPool({ pool: "async", autoscale })).toMatchObject({ runners: 1, slots: 10, openSlots: 2, concurrency: 2 });
    expect(planPool({ pool: "threads", autoscale: { max: 4, min: 0 } })).toMatchObject({ runners: 1, concurrency: 1 });
    expect(codeOf(() => planPool({ pool: "solo", autoscale: { max: 1, min: 1 } }))).toBe("LOVAGE_POOL_AUTOSCALE");
    expect(codeOf(() => planPool({ pool: "processes", autoscale: { max: 2, min: 3 } }))).toBe("LOVAGE_POOL_AUTOSCALE");
  });
});
