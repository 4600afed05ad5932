import { fileURLToPath } from "node:url";
import type { JobView } from "@lovage/http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { type Photo, photo, Stage, type Terminals } from "./stage.ts";

const members = fileURLToPath(new URL("fixtures/members.ts", import.meta.url));

describe("a photo's members, in the three pools", () => {
  let stage: Stage;
  let nodes: Terminals;
  let picture: Photo;
  beforeAll(async () => {
    stage = await Stage.open();
    [picture, nodes] = await Promise.all([photo(7), stage.terminals(members)]);
  });
  afterAll(() => stage?.close());

  /** Each upload is a picture of its own, as far as the stock is concerned. */
  async function submit(fields: Readonly<Record<string, string>>): Promise<{ readonly id: string; readonly correlationId: string }> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([new Uint8Array(picture.file), JSON.stringify(fields)]), picture.name);
    const correlationId = `request-${fields.slices}-${fields.failing ?? "none"}`;
    const response = await fetch(`${stage.url}/upload`, { method: "POST", body: form, headers: { "x-correlation-id": correlationId } });
    expect(response.status).toBe(202);
    return { id: ((await response.json()) as JobView).job_id, correlationId };
  }

  it("may be none: it is counted at once, and booked with nothing", async () => {
    const { id } = await submit({ slices: "0" });
    expect(await stage.ended(id), stage.said()).toMatchObject({ status: "complete", result: { total: 0, booked: true } });
    expect(stage.movements().map(({ quantity }) => quantity)).toEqual([0]);
  });

  it("carry the request's correlation id in every line that any node writes of them", async () => {
    const { id, correlationId } = await submit({ slices: "5" });
    expect(await stage.ended(id), stage.said()).toMatchObject({ status: "complete", result: { total: 5 } });
    const mark = `correlationId=${correlationId}`;
    const linesOf = (node: keyof Terminals, task: string) =>
      (nodes[node].stdout + nodes[node].stderr).split("\n").filter((line) => line.includes(`task=${task}`) && line.includes(mark));
    const slices = await waitFor("all lines", () => {
      const seen = linesOf("cpu", "photos.detect").filter((line) => line.includes("task.succeeded"));
      const isDone = linesOf("gpu", "photos.segment").length >= 2 && linesOf("io", "photos.count").length >= 2;
      return isDone && seen.length === 5 ? linesOf("cpu", "photos.detect").filter((line) => line.includes("slice.seen")) : null;
    });
    expect(slices).toHaveLength(5);
    const said = stage.said().split("\n");
    expect(said.filter((line) => line.includes(id) && line.includes("correlationId=") && !line.includes(mark))).toEqual([]);
  });

  it("may be one that fails to the last retry: the job says so, nothing is booked, and the dead letter leads back to the request", async () => {
    const before = stage.movements();
    const { id, correlationId } = await submit({ slices: "6", failing: "3" });
    const view = await stage.ended(id);
    expect(view).toMatchObject({ status: "error", error: { code: "JOB_PART_FAILED" } });
    expect(JSON.stringify(view)).not.toContain("cursed");
    expect(view.outputs).toBeUndefined();
    expect(stage.movements()).toEqual(before);
    const retried = () =>
      (nodes.cpu.stdout + nodes.cpu.stderr).split("\n").filter((line) => line.includes("task.retried") && line.includes(correlationId));
    await waitFor("both retries' lines", () => retried().length >= 2);
    expect(retried()).toHaveLength(2);
    const letters = await (await stage.app.store()).deadLetters.list(10);
    expect(letters).toMatchObject([{ reason: "retries-exhausted" }]);
    expect(Buffer.from(letters[0]?.bytes ?? []).toString()).toContain(correlationId);
  });

  it("may be a thousand: the count runs once and has them all", { timeout: 90_000 }, async () => {
    const before = await stage.counted();
    const { id } = await submit({ slices: "1000" });
    expect(await stage.ended(id, 80_000), stage.said()).toMatchObject({ status: "complete", result: { total: 1000 } });
    const after = await stage.counted();
    const more = (key: string) => (after[key] ?? 0) - (before[key] ?? 0);
    expect(more("photos.count|SUCCESS")).toBe(1);
    expect(more("photos.detect|SUCCESS")).toBe(1000);
  });
});

describe("a storage or a database that is away", () => {
  it("is tried again after 2, 4 and 8 seconds, by each task of the pipeline", async () => {
    const stage = await Stage.open();
    try {
      const module = fileURLToPath(new URL("../dist/app.js", import.meta.url));
      for (const task of ["photos.segment", "photos.detect", "photos.count"]) {
        const { stdout } = await stage.start("retry-plan", task, "--json", "-A", module).ended;
        expect(JSON.parse(stdout)).toMatchObject({
          max: 3,
          retries: [2, 4, 8].map((seconds) => ({ leastSeconds: seconds, mostSeconds: seconds })),
        });
      }
    } finally {
      await stage.close();
    }
  });
});
