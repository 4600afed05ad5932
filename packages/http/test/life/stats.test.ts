import { JobService } from "@lovage/http";
import { afterEach, describe, expect, it } from "vitest";
import { kinds, Place, skipped } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

describe.each(kinds)("what is counted of jobs on %s", (kind) => {
  it.skipIf(skipped(kind))("is what became of them, and a new service on the same store goes on counting", async () => {
    place = await Place.open(kind);
    expect(await place.service.stats()).toMatchObject({ queued: 0, processed: 0, avg_seconds: null, p50: null, since: null });
    await place.work(2);
    const ends = await Promise.all(["well", "fail", "well", "well"].map((how) => place.submit({ how })));
    for (const { job_id } of ends) await place.ended(job_id);
    const hanging = await place.submit({ how: "hang" });
    await place.when(hanging.job_id, ({ status }) => status === "processing");
    await place.rest();
    const waiting = await place.submit();
    await place.service.cancel((await place.submit()).job_id);
    await place.service.close();

    const next = place.another();
    await next.start();
    const stats = await next.stats();
    // Redelivered meanwhile or not: a job that was seen to begin is processing.
    expect(stats).toMatchObject({ processed: 3, failed: 1, cancelled: 0, processing: 1, queued: 2 });
    expect(stats.avg_seconds).toBeGreaterThan(0);
    expect(Number(stats.p95)).toBeGreaterThanOrEqual(Number(stats.p50));
    expect(Date.parse(stats.since ?? "")).toBeLessThanOrEqual(Date.parse(waiting.created_at));
    await next.close();
  });
});

describe("what is counted of jobs", () => {
  it("is counted per pipeline", async () => {
    place = await Place.open("memory");
    const other = place.another({ pipeline: { ...place.pipeline, name: "other" } });
    await place.submit();
    expect(await other.stats()).toMatchObject({ queued: 0, since: null });
    expect(await place.service.stats()).toMatchObject({ queued: 1 });
    await expect(other.view((await place.submit()).job_id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    await other.close();
  });

  it("is not counted of a job that was refused", async () => {
    place = await Place.open("memory");
    const refused = place.service.submit(new Request("http://here/upload", { method: "POST", body: new FormData() }), {
      correlationId: "x",
    });
    await expect(refused).rejects.toMatchObject({ code: "UPLOAD_WITHOUT_FILE" });
    expect(place.service).toBeInstanceOf(JobService);
    expect(await place.service.stats()).toMatchObject({ queued: 0, since: null });
  });
});
