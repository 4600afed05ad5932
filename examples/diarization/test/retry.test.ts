import { afterEach, describe, expect, it } from "vitest";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { appModule, Clinic } from "./clinic.ts";
import { silence } from "./recordings.ts";

describe("a consultation whose storage is not there", () => {
  let clinic: Clinic;
  afterEach(() => clinic.close());

  it("is tried again after one, two and four units, then has failed; the next one is done when the storage is back", async () => {
    // Units of 100 ms where the application has 60 s.
    clinic = await Clinic.open(undefined, { DIARIZATION_FIRST_RETRY: "100ms" });
    await clinic.serve();
    const upload = { name: "silence.wav", file: silence(1) };
    const id = await clinic.submit(upload);
    const bringBack = await clinic.hideStorage();
    await clinic.work();
    await waitFor("the last attempt", () => clinic.logged("task.failed").length === 1, 30_000);
    const retried = clinic.logged("task.retried").map(({ attempt, inMs }) => [attempt, inMs]);
    expect(retried).toEqual([
      [1, 100],
      [2, 200],
      [3, 400],
    ]);
    expect(clinic.logged("task.failed")).toMatchObject([{ attempt: 4, cause: "retries-exhausted" }]);
    await bringBack();
    expect(await clinic.ended(id)).toMatchObject({ status: "error", error: { code: "STORAGE_OBJECT_MISSING" } });
    expect(await clinic.ended(await clinic.submit(upload))).toMatchObject({ status: "complete" });
  });

  it("waits 60, 120 and 240 seconds where nobody has set it otherwise", async () => {
    clinic = await Clinic.open(undefined);
    const { stdout } = await clinic.run("retry-plan", "process_diarization_job", "--json", "-A", appModule).ended;
    expect(JSON.parse(stdout)).toMatchObject({
      max: 3,
      jitter: "none",
      retries: [{ mostSeconds: 60 }, { mostSeconds: 120 }, { mostSeconds: 240 }],
    });
  });
});
