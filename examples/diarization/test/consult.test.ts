import type { JobView } from "@lovage/http";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisCommand } from "../../../packages/lovage/test/bad-input/place.ts";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { errorRate } from "../src/score/error-rate.ts";
import { fromRttm } from "../src/turns/turn.ts";
import { appModule, Clinic } from "./clinic.ts";
import { type Recording, recordings, silence, withoutSpeech } from "./recordings.ts";

const kinds = [
  { kind: "sqlite", skip: withoutSpeech },
  { kind: "redis", skip: withoutSpeech || process.env.LOVAGE_SKIP_REDIS !== undefined },
] as const;

for (const { kind, skip } of kinds) {
  describe.skipIf(skip)(`consulting on ${kind}, service and worker in processes of their own`, () => {
    let redis: RedisServer | undefined;
    let clinic: Clinic;
    let talks: readonly Recording[];
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis() : undefined;
      clinic = await Clinic.open(redis?.url, { DIARIZATION_MAX_MINUTES: "5" });
      const making = recordings({ seed: 18, pool: "tuning", seconds: 18 }, ["wav", "mp3", "ogg"]);
      await clinic.serve();
      await clinic.work();
      talks = await making;
    });
    afterAll(async () => {
      await clinic?.close();
      await redis?.stop();
    });

    it("tells of a wav, an mp3 and an ogg who speaks when, two at a time", { timeout: 90_000 }, async () => {
      const ids = await Promise.all(talks.map((talk) => clinic.submit(talk)));
      for (const [i, id] of ids.entries()) {
        const { name, turns, speakers } = talks[i]!;
        const view = await clinic.ended(id);
        expect(view, clinic.said()).toMatchObject({
          status: "complete",
          progress: 1,
          outputs: ["turns.csv", "turns.json", "turns.rttm"],
          result: { recording: name },
        });
        const files = await clinic.download(id);
        const found = await clinic.turns(id);
        expect(errorRate(turns, found.turns).rate, name).toBeLessThan(0.15);
        expect(found.speakers).toHaveLength(speakers);
        expect(fromRttm(files["turns.rttm"] ?? "").map(({ speaker }) => speaker)).toEqual(found.turns.map(({ speaker }) => speaker));
        expect(files["turns.csv"]?.trimEnd().split("\n")).toHaveLength(found.turns.length + 1);
      }
      const startedBy = new Set(clinic.logged("task.started").map(({ pid }) => pid));
      expect(startedBy.size).toBeLessThanOrEqual(2);
    });

    it("takes the session's id as correlation id, into the answer and every line of the log", { timeout: 60_000 }, async () => {
      const session = "visit-17.a";
      const response = await clinic.consult(talks[1]!, { "x-session-id": session });
      expect(response.status).toBe(202);
      expect(response.headers.get("x-correlation-id")).toBe(session);
      const job = (await response.json()) as JobView & { readonly status_url: string };
      expect(job).toMatchObject({ accepted: "queue", status_url: `/api/workflows/diarization/status/${job.job_id}` });
      await clinic.ended(job.job_id);
      const ofSession = (event: string) => clinic.logged(event).filter(({ correlationId }) => correlationId === session);
      await waitFor("the last line", () => ofSession("task.succeeded").length === 1);
      for (const event of ["task.received", "task.started"]) expect(ofSession(event)).toHaveLength(1);
      expect(ofSession("diarization.started")).toMatchObject([{ jobId: job.job_id, task: "process_diarization_job" }]);
      expect(ofSession("diarization.finished")).toMatchObject([{ jobId: job.job_id, speakers: 2 }]);
      // What the file is called is the client's.
      expect(clinic.worker?.stderr).not.toContain("talk 18");
    });

    it("finds no turns where nobody speaks, and that is no error", { timeout: 60_000 }, async () => {
      const id = await clinic.submit({ name: "silence.wav", file: silence(5) });
      expect(await clinic.ended(id)).toMatchObject({ status: "complete", result: { seconds: 5, spokenSeconds: 0, speakers: [] } });
      const files = await clinic.download(id);
      expect(files["turns.csv"]).toBe("start,end,speaker\n");
      expect(files["turns.rttm"]).toBe("");
    });

    it("ends what cannot be heard, or is too long, with a code, and tries it once", { timeout: 60_000 }, async () => {
      const broken = Buffer.concat([Buffer.from("ID3\x03\0\0\0\0\0\0"), Buffer.alloc(20_000, "no sound at all ")]);
      const codes = [
        [{ name: "broken.mp3", file: broken }, "AUDIO_UNREADABLE"],
        [{ name: "cut.wav", file: talks[0]!.file.subarray(0, 30) }, "AUDIO_UNREADABLE"],
        [
          { name: "opus.ogg", file: Buffer.from(`OggS\0\x02${"\0".repeat(20)}\x01\x13OpusHead\x01${"\0".repeat(200)}`) },
          "AUDIO_UNREADABLE",
        ],
        [{ name: "long.wav", file: silence(305) }, "AUDIO_TOO_LONG"],
      ] as const;
      const before = clinic.logged("task.started").length;
      for (const [upload, code] of codes) {
        const view = await clinic.ended(await clinic.submit(upload));
        expect(view, upload.name).toMatchObject({ status: "error", error: { code, retryable: false } });
        expect(view.error?.message).not.toContain(clinic.folder);
      }
      expect(clinic.logged("task.started").length - before).toBe(codes.length);
      expect(clinic.logged("task.retried")).toEqual([]);
    });

    it("refuses what is no recording before it becomes a job", async () => {
      const response = await clinic.consult({ name: "talk.mp3", file: Buffer.from("<html>no sound</html>") });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ code: "UPLOAD_TYPE_REFUSED" });
    });

    it("stops in the middle when it is cancelled, and its process goes on with the next", { timeout: 60_000 }, async () => {
      // Nearly the longest there may be: seconds of work on any machine.
      const long = Buffer.concat(Array.from({ length: 16 }, () => talks[1]!.file));
      const id = await clinic.submit({ name: "long.mp3", file: long });
      const isUnderWay = async () => ((await clinic.view(id))?.progress ?? 0) > 0.05;
      await waitFor("some progress", isUnderWay, 30_000);
      const cancelled = await fetch(`${clinic.url}/cancel/${id}`, { method: "POST" });
      expect(cancelled.status).toBe(202);
      expect(await clinic.ended(id)).toMatchObject({ status: "error", error: { code: "JOB_CANCELLED" } });
      expect((await fetch(`${clinic.url}/download/${id}`)).status).toBe(409);
      expect(await clinic.ended(await clinic.submit({ name: "silence.wav", file: silence(1) }))).toMatchObject({ status: "complete" });
      expect(["runner.died", "runner.gone"].flatMap((event) => clinic.logged(event))).toEqual([]);
    });

    it("keeps results, as files and in Redis, for an hour", { timeout: 60_000 }, async () => {
      const view = await clinic.ended(await clinic.submit({ name: "silence.wav", file: silence(1) }));
      const { finished_at = "", files_until = "" } = view;
      expect(Date.parse(files_until) - Date.parse(finished_at)).toBe(3_600_000);
      if (!redis) return;
      const keys = (await redisCommand(redis.url, ["KEYS", "celery-task-meta-*"])) as readonly string[];
      const ttls = await Promise.all(keys.map((key) => redisCommand(redis!.url, ["TTL", key])));
      expect(ttls.length).toBeGreaterThan(0);
      for (const ttl of ttls) expect(Number(ttl)).toSatisfy((seconds: number) => seconds > 3000 && seconds <= 3600);
    });

    it("runs two at a time, in processes that are replaced after a hundred", async () => {
      const { stdout } = await clinic.run("inspect", "stats", "--json", "-A", appModule).ended;
      expect(JSON.stringify(JSON.parse(stdout))).toMatch(/"max-concurrency":2.*"max-tasks-per-child":100/);
    });
  });
}
