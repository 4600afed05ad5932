// One HTTP request, a chord of ten with two retries and Python legs: one correlation id and one trace in all of it.
import { type JobInput, type Serving, serveJobs } from "@lovage/http";
import { defineTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Child } from "./support/child.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

interface Line {
  readonly event: string;
  readonly task: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly correlationId: string;
  readonly traceId: string;
}

describe.skipIf(skipped)("a request over both languages", () => {
  let site: Site;
  let node: Child;
  let jobs: Serving;
  beforeAll(async () => {
    site = await Site.open();
    const flags = ["-Q", "ts", "-P", "async", "-l", "debug", "--log-format", "json"];
    [node] = await Promise.all([site.lovageWorker("ts", ...flags), site.celeryWorker("py", "-Q", "py", "-c", "1")]);
    jobs = await serveJobs({
      app: site.app,
      storage: site.folder,
      port: 0,
      pipeline: {
        name: "gather",
        task: defineTask("ts.gather", async (_: JobInput): Promise<unknown> => null),
        upload: { accept: ["image/png"], maxBytes: 1000, maxFiles: 1 },
      },
    });
  });
  afterAll(async () => {
    await jobs?.close();
    await site?.close();
  });

  const lines = (): readonly Line[] =>
    node.stderr
      .slice(0, node.stderr.lastIndexOf("\n") + 1)
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line))
      .filter(({ taskId }) => taskId !== undefined);

  it("is one trace and one correlation id in every line, in Python too, and in what Python's tasks send", async () => {
    const form = new FormData();
    form.append("file", new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0])]), "photo.png");
    const headers = { "x-correlation-id": "request-7", traceparent };
    const response = await fetch(`${jobs.url}/upload`, { method: "POST", body: form, headers });
    expect([response.status, response.headers.get("x-correlation-id"), response.headers.get("traceparent")]).toEqual([
      ...[202, "request-7", traceparent],
    ]);
    const root = await waitFor("the first task", () => lines().find(({ task }) => task === "ts.gather"));
    const values = await site.app.result<unknown[]>(root.taskId).get({ timeoutMs: 30_000 });
    const seen = [traceparent, "request-7"];
    expect(values).toEqual([0, 1, 4, 9, 16, 25, 2, seen, seen, null]);

    // gather, 6 squares, 3 attempts of flaky, the step behind Python's, the body, and what Python's task sent.
    const ended = (event: string) => lines().filter((line) => line.event === event);
    await waitFor("what Python's task has sent", () => ended("task.succeeded").length === 10);
    expect(ended("task.retried").map(({ task, attempt }) => [task, attempt])).toEqual([
      ["ts.flaky", 1],
      ["ts.flaky", 2],
    ]);
    expect(ended("task.left")).toMatchObject([{ task: "ts.gather", how: "replaced" }]);
    expect(new Set(lines().map((line) => [line.correlationId, line.traceId].join(" ")))).toEqual(new Set([`request-7 ${traceId}`]));
  });
});
