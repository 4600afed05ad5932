import { createApp } from "lovage";
import { afterEach, expect, it } from "vitest";
import { newJobId } from "../job-files.ts";
import { Quotas } from "./quota.ts";
import { SharedDocuments } from "./shared-documents.ts";

const app = createApp({ name: "quota", broker: "memory:quota", environment: false, folder: false, onFault() {} });
afterEach(() => app.close());

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
