import { describe, expect, it } from "vitest";
import { viewJob } from "./job-view.ts";

type Arguments = Parameters<typeof viewJob>;

describe("a job's progress", () => {
  it("is a thousandth at the finest, whatever its pipeline adds up", () => {
    const record = { id: "j", createdAt: 0 } as Arguments[0];
    const pipeline = { progress: () => ({ fraction: 0.2 + (0.7 * 3) / 3, step: "detecting" }) } as unknown as Arguments[1];
    expect(0.2 + (0.7 * 3) / 3).not.toBe(0.9);
    expect(viewJob(record, pipeline, [], true)).toMatchObject({ progress: 0.9, status: "processing" });
  });
});
