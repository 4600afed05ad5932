import { createApp } from "lovage";
import { afterAll, expect, it } from "vitest";
import { newJobId } from "../job-files.ts";
import { Quotas } from "./quota.ts";
import { SharedDocuments } from "./shared-documents.ts";

const app = createApp({ name: "quota", broker: "memory:quota", environment: false, folder: false, onFault() {} });
afterAll(() => app.close());

it("counts a job whose upload took so long that it was given up", async () => {
  let now = 0;
  const known = new Set<string>();
  const quotas = new Quotas(
    new SharedDocuments(() => app.state()),
    async (id) => known.has(id) || undefined,
    () => now,
  );
  const [slow, next, last] = [newJobId(), newJobId(), newJobId()];
  const reserve = (id: string) => quotas.reserve("slow", { openJobs: 1 }, id, 0);
  const upload = await reserve(slow);
  now += 2 * 3_600_000;
  await (await reserve(next)).giveBack();
  known.add(slow);
  await upload.keep();
  await expect(reserve(last)).rejects.toMatchObject({ code: "QUOTA_OPEN_JOBS" });
});

it("gives back only to the day it was taken from", async () => {
  let now = Date.parse("2026-03-01T23:59:00Z");
  const quotas = new Quotas(
    new SharedDocuments(() => app.state()),
    async () => undefined,
    () => now,
  );
  const quota = { jobsPerDay: 2, bytesPerDay: 1000 };
  const reserve = (bytes: number) => quotas.reserve("clinic", quota, newJobId(), bytes);
  const late = await reserve(500);
  const later = await reserve(100);

  now += 120_000;
  await later.more(300);
  await (await reserve(600)).keep();
  await late.giveBack();
  // Today's are one job and 900 bytes still: yesterday's 500 and yesterday's job are not taken off them.
  await expect(reserve(101)).rejects.toMatchObject({ code: "QUOTA_BYTES" });
  await later.giveBack();
  await expect(reserve(401)).rejects.toMatchObject({ code: "QUOTA_BYTES" });
  await reserve(400);
  await expect(reserve(0)).rejects.toMatchObject({ code: "QUOTA_JOBS" });
});
