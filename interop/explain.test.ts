// `lovage explain` of tasks that Python's workers have, or know.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

describe.skipIf(skipped)("why a task is not running, when Python's workers have it", () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
    await site.celeryWorker("py", "-Q", "py", "-c", "1");
  });
  afterAll(() => site?.close());
  const explained = (id: string, code: string, says: RegExp) =>
    waitFor(`${code} ${says}`, async () => {
      const { reasons } = await site.app.explain(id);
      return reasons[0]?.code === code && says.test(reasons[0].says);
    });

  it("says which has it: running, waiting there for its turn, waiting there for its time", async () => {
    const running = await site.app.send("py.nap", [20]);
    await explained(running.id, "running", /^It runs on the Python worker py@interop, since /);
    const next = await site.app.send("py.nap", [0]);
    await explained(next.id, "python", /^It is in the hands of the Python worker py@interop.*: taken, and not acknowledged\.$/);
    const timed = await site.app.send("py.nap", [0], { countdown: 3600 });
    await explained(timed.id, "python", /py@interop.*not acknowledged, until its time comes in 59 min/);
  });

  it("counts a Python worker among those who consume a queue, and knows what it knows", async () => {
    await explained((await site.app.send("py.add", [1, 2], { queue: "nobody" })).id, "no-worker", /py@interop consumes py\./);
    const printed = await site.lovage("routes", "explain", "py.add", "--queue", "py", "--json");
    expect(JSON.parse(printed.stdout)).toMatchObject({ queue: "py", consumers: ["py@interop"] });
  });
});
