import { describe, expect, it } from "vitest";
import { viewJob } from "./job-view.ts";
import { progressOf } from "./pipeline.ts";

const record = { id: "j", createdAt: 0, startedAt: 1 } as Parameters<typeof viewJob>[0];
const end = { status: "complete", at: 1000, outputs: [], result: null, progress: { fraction: 1, step: null } } as const;

describe("a job's progress", () => {
  it("is a thousandth at the finest, whatever its pipeline adds up", () => {
    const pipeline = { progress: () => ({ fraction: 0.2 + (0.7 * 3) / 3, step: "detecting" }) };
    expect(0.2 + (0.7 * 3) / 3).not.toBe(0.9);
    expect(progressOf(pipeline, [])).toEqual({ fraction: 0.9, step: "detecting" });
  });
});

describe("a job's view", () => {
  const progress = { fraction: 0, step: null };
  const place = { position: 3, starts_in_seconds: 7 };

  it("has a place in the queue while it is queued, and not after", () => {
    const { startedAt: _, ...queued } = record;
    expect(viewJob(queued, { progress, place }, 1)).toMatchObject({ status: "queued", position: 3, starts_in_seconds: 7 });
    expect(viewJob(record, { progress, place }, 1)).not.toHaveProperty("position");
  });

  it("says until when its files are kept, and since when they are not", () => {
    expect(viewJob({ ...record, end }, { progress }, 1000)).toMatchObject({ files_until: "1970-01-01T00:00:02.000Z" });
    expect(viewJob({ ...record, end, filesGoneAt: 5000 }, { progress }, 1000)).toMatchObject({ files_until: "1970-01-01T00:00:05.000Z" });
    expect(viewJob({ ...record, end }, { progress }, null)).not.toHaveProperty("files_until");
  });
});
