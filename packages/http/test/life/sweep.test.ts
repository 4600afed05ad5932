import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newJobId, openStorage } from "@lovage/http";
import { afterEach, describe, expect, it } from "vitest";
import { JobStore } from "../../dist/job-store.js";
import { kinds, Place, skipped } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

const hour = 3_600_000;
const day = 24 * hour;
const stored = async () => (await readdir(place.storage)).sort();

describe.each(kinds)("a sweep on %s", (kind) => {
  it.skipIf(skipped(kind))("removes files after their retention, and then the record that says so", async () => {
    place = await Place.open(kind, { pipeline: { retention: "2h" }, service: { keepRecordsMs: day } });
    await place.work(2);
    const { job_id } = await place.submit();
    const { finished_at = "", files_until = "" } = await place.ended(job_id);
    expect(Date.parse(files_until) - Date.parse(finished_at)).toBe(2 * hour);
    const running = await place.submit({ how: "hang" });
    await place.when(running.job_id, ({ status }) => status === "processing");

    place.later = 2 * hour - 60_000;
    expect(await place.service.sweep()).toMatchObject({ expired: 0, orphans: 0 });
    expect((await place.service.outputsOf(job_id)).id).toBe(job_id);
    place.later = 2 * hour + 60_000;
    // Several at once do no harm, and none touches what runs.
    const others = [place.another(), place.another()];
    const swept = await Promise.all([place.service, ...others].map((service) => service.sweep()));
    expect(swept.every(({ expired }) => expired <= 1)).toBe(true);
    expect(await stored()).toEqual([running.job_id]);
    await expect(place.service.outputsOf(job_id)).rejects.toMatchObject({ status: 410, code: "JOB_OUTPUTS_GONE" });
    expect(await place.service.view(job_id)).toMatchObject({ status: "complete" });

    place.later = 2 * hour + day + 60_000;
    expect(await place.service.sweep()).toMatchObject({ expired: 0, forgotten: 1 });
    await expect(place.service.view(job_id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    expect(await place.service.stats()).toMatchObject({ processed: 1, processing: 1 });
    expect(await stored()).toEqual([running.job_id]);
    for (const other of others) await other.close();
  });
});

describe("a sweep", () => {
  it("removes what belongs to no job, and what killed runs and broken uploads left, after a grace time", async () => {
    place = await Place.open("memory");
    await place.work();
    const { job_id } = await place.submit();
    await place.ended(job_id);
    const orphan = newJobId();
    const left = [
      join(orphan, "input", "0000.png"),
      join(job_id, "outputs", "0123456789abcdef00", "half.bin"),
      join(job_id, "input", "arriving-0123456789abcdef"),
    ];
    for (const file of left) {
      await mkdir(join(place.storage, file, ".."), { recursive: true });
      await writeFile(join(place.storage, file), "left");
    }
    await writeFile(join(place.storage, "README"), "not of a job: nobody's to remove");
    expect(await place.service.sweep()).toMatchObject({ orphans: 0 });
    place.later = hour + 60_000;
    expect((await place.service.sweep()).orphans).toBeGreaterThanOrEqual(2);
    expect(await stored()).toEqual(["README", job_id].sort());
    expect(await readdir(join(place.storage, job_id, "outputs"))).toHaveLength(1);
    expect((await place.service.outputsOf(job_id)).id).toBe(job_id);
    expect(await place.service.sweep()).toMatchObject({ orphans: 0 });
  });

  it("above a quota takes from the jobs that ended first, and never from one that runs", async () => {
    place = await Place.open("memory", { service: { quotaBytes: 450 } });
    await place.work(2);
    const hanging = await place.submit({ how: "hang" });
    await place.when(hanging.job_id, ({ status }) => status === "processing");
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { job_id } = await place.submit({ how: "nothing" });
      ids.push(job_id);
      await place.when(job_id, ({ status }) => status === "error");
    }
    expect(await place.service.sweep()).toMatchObject({ evicted: 2, bytes: 400 });
    expect(await stored()).toEqual([hanging.job_id, ids[2]].sort());
    expect(await place.service.sweep()).toMatchObject({ evicted: 0, bytes: 400 });
  });

  it("writes the end of a job whose service died before it could", async () => {
    place = await Place.open("memory");
    const { job_id } = await place.submit();
    await place.service.close();
    await place.work();
    await expect.poll(async () => (await place.app.result((await recordOf(job_id)).taskId).info())?.state).toBe("SUCCESS");
    const next = place.another();
    expect(await next.sweep()).toMatchObject({ ended: 1 });
    expect(await next.stats()).toMatchObject({ processed: 1, queued: 0 });
    await next.close();
  });

  it("says honestly that a job's result has expired before anybody looked", async () => {
    place = await Place.open("memory", { app: { resultExpires: 3600 } });
    const { job_id } = await place.submit();
    await place.service.close();
    await place.work();
    const { taskId } = await recordOf(job_id);
    await expect.poll(async () => (await place.app.result(taskId).info())?.state).toBe("SUCCESS");
    await place.app.result(taskId).forget();
    const next = place.another();
    expect(await next.view(job_id)).toMatchObject({ status: "queued" });
    place.later = 2 * hour;
    expect(await next.sweep()).toMatchObject({ lost: 1 });
    expect(await next.view(job_id)).toMatchObject({ status: "error", error: { code: "JOB_RESULT_EXPIRED", retryable: true } });
    await next.close();
  });

  it("finishes the deletion of a job that a service was killed in, whatever it knew of the job before", async () => {
    place = await Place.open("memory");
    await place.work();
    const { job_id } = await place.submit();
    await place.ended(job_id);
    expect(await place.service.sweep()).toMatchObject({ deleted: 0 });
    const records = new JobStore(() => place.app.state(), null);
    await records.update(job_id, (record) => ({ ...record, deletingAt: Date.now() }));
    expect(await place.service.sweep()).toMatchObject({ deleted: 1 });
    expect(await stored()).toEqual([]);
  });

  it("goes on with all other jobs where one can't be swept, and says so", async () => {
    place = await Place.open("memory");
    await place.work();
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { job_id } = await place.submit();
      await place.ended(job_id);
      ids.push(job_id);
    }
    const [stuck, torn = ""] = ids;
    const storage = openStorage({ url: place.storage });
    const remove = storage.remove.bind(storage);
    storage.remove = async (prefix) => {
      if (prefix === stuck) throw new Error("it is stuck");
      await remove(prefix);
    };
    await writeFile(join(place.storage, torn, "outputs.json"), "torn");
    const faults: unknown[] = [];
    const service = place.another({ storage, onFault: (error) => faults.push(error) });
    expect(await service.sweep()).toMatchObject({ orphans: 0, expired: 0 });
    expect(faults).toMatchObject([{ code: "STORAGE_DAMAGED" }]);
    place.later = 25 * hour;
    expect(await service.sweep()).toMatchObject({ expired: 2 });
    expect(faults.slice(1).map(String)).toEqual(["Error: it is stuck"]);
    await service.close();
  });

  it("ends with its service, wherever it is", async () => {
    place = await Place.open("memory");
    const storage = openStorage({ url: place.storage });
    const service = place.another({ storage });
    for (let i = 0; i < 3; i += 1) await place.submit();
    const list = storage.list.bind(storage);
    storage.list = async function* (prefix) {
      void service.close();
      yield* list(prefix);
    };
    await expect(service.sweep()).rejects.toMatchObject({ name: "AbortError" });
  });

  it("keeps a job that waits, however long", async () => {
    place = await Place.open("memory");
    const { job_id } = await place.submit();
    place.later = 30 * day;
    expect(await place.service.sweep()).toMatchObject({ lost: 0, orphans: 0, expired: 0 });
    expect(await place.service.view(job_id)).toMatchObject({ status: "queued", position: 1 });
  });
});

async function recordOf(id: string): Promise<{ readonly taskId: string }> {
  const [found] = await (await place.app.state()).read([`job/${id}`]);
  return JSON.parse(Buffer.from(found?.value ?? "").toString());
}
