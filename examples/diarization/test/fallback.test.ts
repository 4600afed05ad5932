import type { JobView } from "@lovage/http";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { Clinic } from "./clinic.ts";
import { silence } from "./recordings.ts";

const upload = { name: "silence.wav", file: silence(2) };
/** What a client may have to wait for its answer. */
const mostMs = 2500;

describe.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("consulting while Redis is away", () => {
  let redis: RedisServer;
  let clinic: Clinic;
  let done = 0;
  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    clinic = await Clinic.open(redis.url);
    await Promise.all([clinic.serve(), clinic.work()]);
  });
  afterAll(async () => {
    redis?.resume();
    await clinic?.close();
    await redis?.stop();
  });

  async function consult(session: string): Promise<JobView & { readonly tookMs: number }> {
    const started = performance.now();
    const response = await clinic.consult(upload, { "x-session-id": session });
    const tookMs = performance.now() - started;
    expect(response.status, clinic.said()).toBe(202);
    return { ...((await response.json()) as JobView), tookMs };
  }

  /** Two that are spooled, one of them quickly: a busy machine may hold up the other. */
  async function consultMeanwhile(): Promise<readonly JobView[]> {
    const both = [await consult("first"), await consult("second")];
    expect(both.map(({ accepted }) => accepted)).toEqual(["spool", "spool"]);
    expect(Math.min(...both.map(({ tookMs }) => tookMs)), clinic.said()).toBeLessThan(mostMs);
    return both;
  }

  async function expectDoneOnce(jobs: readonly JobView[]): Promise<void> {
    for (const { job_id } of jobs) expect(await clinic.ended(job_id)).toMatchObject({ status: "complete" });
    done += jobs.length;
    const counted = async () => (await clinic.counted())["process_diarization_job|SUCCESS"] ?? 0;
    await waitFor("the count", async () => (await counted()) >= done);
    expect(await counted()).toBe(done);
    const started = clinic.logged("diarization.started").map(({ jobId }) => jobId);
    for (const { job_id } of jobs) expect(started.filter((jobId) => jobId === job_id)).toHaveLength(1);
  }

  it.each(["down", "hanging"] as const)(
    "answers within 2.5 s when it is %s, says that the upload is spooled, and does it once",
    async (how) => {
      const before = await consult("before");
      expect(before.accepted).toBe("queue");
      await clinic.ended(before.job_id);
      if (how === "down") await redis.down();
      else redis.pause();
      const during = await consultMeanwhile();
      if (how === "down") await redis.restart();
      else redis.resume();
      await expectDoneOnce([before, ...during]);
      const after = await consult("after");
      expect(after.accepted).toBe("queue");
      await expectDoneOnce([after]);
    },
  );

  it("takes uploads when it was started without Redis, and keeps them when it is killed", async () => {
    const kill = async () => {
      process.kill(clinic.service!.pid, "SIGKILL");
      await clinic.service!.ended;
    };
    await kill();
    await redis.down();
    await clinic.serve();
    const jobs = await consultMeanwhile();
    await kill();
    await redis.restart();
    await clinic.serve();
    await expectDoneOnce(jobs);
  });
});
