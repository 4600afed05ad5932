// A message that waits where nobody knows its task is given up only when no node of either language knows it.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

/** As Celery writes it, after ten minutes in which no worker of its queue knew the name. */
function longUnknown(task: string, id: string): string {
  const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
  return JSON.stringify({
    body: Buffer.from(JSON.stringify([[1, 2], {}, embed])).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: {
      lang: "py",
      task,
      id,
      root_id: id,
      parent_id: null,
      group: null,
      retries: 0,
      timelimit: [null, null],
      eta: null,
      expires: null,
    },
    properties: {
      ...{ correlation_id: id, reply_to: randomUUID(), delivery_mode: 2, delivery_info: { exchange: "", routing_key: "ts" } },
      ...{ priority: 0, body_encoding: "base64", delivery_tag: randomUUID(), lovage: { unknown: 30 } },
    },
  });
}

describe.skipIf(skipped)("a task that this worker does not know", () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
    await Promise.all([site.lovageWorker("ts", "-Q", "ts", "-P", "async"), site.celeryWorker("py", "-Q", "py", "-P", "solo")]);
  });
  afterAll(() => site?.close());

  it("waits on while a Python node knows it, and is given up where nobody does", async () => {
    const { broker, deadLetters, leases } = await site.app.store();
    const [known, unknown] = [randomUUID(), randomUUID()];
    for (const [task, taskId] of [
      ["py.add", known],
      ["py.nobody", unknown],
    ] as const)
      await broker.publish({ messages: [{ taskId, queue: "ts", priority: 0, bytes: longUnknown(task, taskId) }] });
    await expect(site.app.result(unknown).get({ timeoutMs: 20_000 })).rejects.toMatchObject({ name: "NotRegisteredError" });
    // Parked: for a minute, until it looks again.
    await waitFor("the other to be put off", async () => (await leases.promote(0)).nextDueMs !== null);
    const letters = await deadLetters.list(5);
    expect(letters.map(({ reason, bytes }) => [reason, JSON.parse(Buffer.from(bytes).toString()).headers.task])).toEqual([
      ["unknown-task", "py.nobody"],
    ]);
    expect(await site.app.result(known).state()).toBe("PENDING");
  });
});
