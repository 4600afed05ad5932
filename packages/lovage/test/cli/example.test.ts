import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JobView } from "@lovage/http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Desk } from "./cli.ts";

const example = fileURLToPath(new URL("../../../../examples/photo-stock", import.meta.url));
// As the README has it: TypeScript that imports TypeScript, `lovage` and `@lovage/http`, built by nobody.
const module = join(example, "src/app.ts");

let desk: Desk;
beforeAll(() => {
  desk = new Desk();
});
afterAll(() => desk.close());

describe("the example's src/app.ts", () => {
  it("works in dev: a photo goes through nodes of three profiles", async () => {
    const dev = desk.start(["dev", "-A", module, "--port", "0"], { PHOTO_STOCK_STORAGE: join(desk.folder, "jobs") });
    const [, url = ""] = await dev.says(/curl -F file=@FILE (http:\S+)\/upload/, 60_000);
    const form = new FormData();
    form.append("file", new Blob([readFileSync(join(example, "samples/coins.jpg"))]), "coins.jpg");
    const { job_id } = (await (await fetch(`${url}/upload`, { method: "POST", body: form })).json()) as JobView;
    const job = await waitFor(
      "the photo to be counted",
      async () => {
        const view = (await (await fetch(`${url}/status/${job_id}`)).json()) as JobView;
        return view.status === "complete" || view.status === "error" ? view : undefined;
      },
      60_000,
    );
    expect(job).toMatchObject({ status: "complete", outputs: ["annotated.png", "report.csv", "report.json"] });
    expect((job.result as { readonly total: number }).total).toBeGreaterThan(0);
    expect(await dev.stop()).toMatchObject({ code: 0 });
  });

  it("works in worker and in call, with the queue that the task declares", async () => {
    const environment = { PHOTO_STOCK_STORAGE: join(desk.folder, "jobs") };
    const worker = desk.start(["worker", "-A", module, "--profile", "cpu", "-n", "cpu"], environment);
    await worker.says(/ ready\.$/m);
    const job = { id: "A".repeat(22), files: [], fields: {} };
    const call = desk.start(
      ["call", "photos.detect", JSON.stringify(job), "{}", "{}", "-A", module, "--wait", "--timeout", "30"],
      environment,
    );
    // It got there: the task itself refuses such a job.
    expect(await call.ended).toMatchObject({ code: 1, stderr: expect.stringContaining("[LOVAGE_TASK_FAILED]") });
    expect(await worker.stop()).toMatchObject({ code: 0 });
  });
});
