import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type JobInput, serveJobs } from "@lovage/http";
import { createApp, defineTask } from "lovage";
import { expect, it } from "vitest";
import { picture } from "./service.ts";

it("refuses a job whose task is unique while the same one waits, and keeps nothing of it", async () => {
  const storage = await mkdtemp(join(tmpdir(), "lovage-unique-job-"));
  const task = defineTask("p.one", { unique: { key: ({ fields }: JobInput) => String(fields.who) } }, (_input: JobInput) => null);
  const app = createApp({ name: "unique", broker: "memory:", tasks: { task } });
  const upload = { accept: ["image/png"], maxBytes: 10_000, maxFiles: 1 };
  const serving = await serveJobs({ app, storage, pipeline: { name: "one", task, upload }, port: 0 });
  const send = async (who: string) => {
    const form = new FormData();
    form.append("who", who);
    form.append("file", new Blob([new Uint8Array(picture(100))]), "photo.png");
    const response = await fetch(`${serving.url}/upload`, { method: "POST", body: form });
    return [response.status, ((await response.json()) as { code?: string }).code];
  };
  try {
    expect(await send("ada")).toEqual([202, undefined]);
    expect(await send("ada")).toEqual([409, "JOB_DUPLICATE"]);
    expect(await send("bob")).toEqual([202, undefined]);
  } finally {
    await serving.close();
    await app.close();
    await rm(storage, { recursive: true, force: true });
  }
});
