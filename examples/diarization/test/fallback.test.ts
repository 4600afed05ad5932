import type { JobView } from "@lovage/http";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { Clinic } from "./clinic.ts";
import { silence } from "./recordings.ts";

const upload = { name: "silence.wav", file: silence(2) };
/** What a client may have to wait for its answer. */
const mostMs = 2500;

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("consulting while Redis is away", () => {
  let redis: RedisServer;
  let clinic: Clinic;
  beforeEach(async () => {
    redis = await startRedis({ appendOnly: true });
    clinic = await Clinic.open(redis.url);
  });
  afterEach(async () => {
    redis.resume();
    await clinic.close();
    await redis.stop();
  });

  async function consultQuickly(session: string): Promise<JobView> {
    const started = performance.now();
    const response = await clinic.consult(upload, { "x-session-id": session });
    expect(performance.now() - started, clinic.said()).toBeLessThan(mostMs);
    expect(response.status, clinic.said()).toBe(202);
    return (await response.json()) as JobView;
  }

  async function expectDoneOnce(jobs: readonly JobView[]): Promise<void> {
    for (const { job_id } of jobs) expect(await clinic.ended(job_id)).toMatchObject({ status: "complete" });
    const done = async () => ((await clinic.counted())["process_diarization_job|SUCCESS"] ?? 0) >= jobs.length;
    await waitFor("the count", done);
    expect(clinic.logged("diarization.started").map(({ jobId }) => jobId)).toHaveLength(jobs.length);
    expect(await clinic.counted()).toMatchObject({ "process_diarization_job|SUCCESS": jobs.length });
  }

  it.each(["down", "hanging"] as const)(
    "answers within 2.5 s when it is %s, says that the upload is spooled, and does it once",
    async (how) => {
      await clinic.serve();
      const before = await consultQuickly("before");
      expect(before.accepted).toBe("queue");
      if (how === "down") await redis.down();
      else redis.pause();
      const during = [await consultQuickly("first"), await consultQuickly("second")];
      expect(during.map(({ accepted }) => accepted)).toEqual(["spool", "spool"]);
      if (how === "down") await redis.restart();
      else redis.resume();
      await clinic.work();
      await expectDoneOnce([before, ...during]);
      const started = clinic.logged("task.started").map(({ correlationId }) => correlationId);
      expect(started.sort()).toEqual(["before", "first", "second"]);
      expect((await consultQuickly("after")).accepted).toBe("queue");
    },
  );

  it("takes uploads when it was started without Redis, and keeps them when it is killed", async () => {
    await redis.down();
    await clinic.serve();
    const job = await consultQuickly("early");
    expect(job.accepted).toBe("spool");
    process.kill(clinic.service!.pid, "SIGKILL");
    await clinic.service!.ended;
    await redis.restart();
    await clinic.serve();
    await clinic.work();
    await expectDoneOnce([job]);
  });
});
