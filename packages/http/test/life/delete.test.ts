import { readdir } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { JobStore } from "../../dist/job-store.js";
import { kinds, Place, skipped } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

const gone = { code: "JOB_NOT_FOUND" };
const stored = () => readdir(place.storage);

describe.each(kinds)("a job that is deleted on %s", (kind) => {
  it.skipIf(skipped(kind))("is gone with its files, whether it was complete, runs or waits; twice is fine", async () => {
    place = await Place.open(kind);
    await place.work();
    const complete = (await place.submit()).job_id;
    await place.ended(complete);
    expect(await place.service.delete(complete)).toBe("deleted");
    const running = (await place.submit({ how: "hang" })).job_id;
    await place.when(running, ({ status }) => status === "processing");
    const waiting = (await place.submit()).job_id;
    await Promise.all([place.service.delete(running), place.service.delete(running), place.service.delete(waiting)]);
    for (const id of [complete, running, waiting]) {
      await expect(place.service.view(id)).rejects.toMatchObject(gone);
      await expect(place.service.cancel(id)).rejects.toMatchObject(gone);
      // A worker that is held up has them deleted a little later.
      await expect.poll(() => place.service.delete(id)).toBe("deleted");
    }
    expect(await stored()).toEqual([]);
    expect(await place.service.stats()).toMatchObject({ queued: 0, processing: 0, failed: 0 });
  });
});

describe("a job that is deleted", () => {
  it("by another service is watched no longer by this one", async () => {
    place = await Place.open("memory");
    const { results } = await place.app.store();
    const watch = results.watch.bind(results);
    let watches = 0;
    results.watch = (ids, listener) => {
      const stop = watch(ids, listener);
      watches += 1;
      return () => {
        watches -= 1;
        stop();
      };
    };
    const { job_id } = await place.submit();
    await expect.poll(() => watches).toBe(1);
    await new JobStore(() => place.app.state(), null).delete(job_id);
    await place.work();
    await expect.poll(() => watches).toBe(0);
  });

  it("while no worker runs is gone with its files, and its record once a worker has thrown its message away", async () => {
    place = await Place.open("memory");
    const { job_id } = await place.submit();
    // No worker: nobody takes its message away. What a service that was killed now would leave:
    expect(await place.service.delete(job_id)).toBe("deleting");
    await expect(place.service.view(job_id)).rejects.toMatchObject(gone);
    expect(await stored()).toEqual([]);
    const other = place.another();
    expect(await other.sweep()).toMatchObject({ deleted: 0 });
    await place.work();
    await expect.poll(() => other.sweep()).toMatchObject({ deleted: 1 });
    expect(await stored()).toEqual([]);
    expect(place.begun).toEqual([]);
    expect(await place.service.stats()).toMatchObject({ queued: 0, processing: 0, cancelled: 1 });
    await other.close();
  });
});
