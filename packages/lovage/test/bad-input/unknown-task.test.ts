import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Place, skips, storeKinds } from "./place.ts";
import { strangerMessage } from "./stranger.ts";

const newcomer = fileURLToPath(new URL("./fixtures/newcomer.mjs", import.meta.url));

describe.each(storeKinds)("a task name that no worker knows, on %s", (kind) => {
  describe.skipIf(skips(kind))("", () => {
    let place: Place;
    beforeEach(async () => {
      place = await Place.open(kind);
    });
    afterEach(() => place.close());

    it("waits out of the way of its neighbours until a worker comes that knows it", { timeout: 60_000 }, async () => {
      const stranger = await place.node({ pool: "processes", concurrency: 1, name: "old" });
      const result = await place.app.send("bad.newcomer", ["hello"]);
      const neighbours = await Promise.all([0, 1, 2, 3, 4].map((i) => place.app.send("bad.echo", [i])));
      expect(await Promise.all(neighbours.map((each) => each.get({ timeoutMs: 10_000 })))).toEqual([0, 1, 2, 3, 4]);
      expect(stranger.logged("runner.unknown-task")).toMatchObject([{ level: "warn", task: "bad.newcomer" }]);
      // Parked: neither in the queue nor in a worker's hands.
      await waitFor("an empty queue", async () => (await place.depth()) === 0);
      expect(await result.state()).toBe("PENDING");
      expect(await place.deadLetters()).toEqual([]);

      await place.node({ pool: "processes", concurrency: 1, name: "new", app: newcomer });
      await stranger.kill();
      expect(await result.get({ timeoutMs: 15_000 })).toBe("hello");
      expect(await place.deadLetters()).toEqual([]);
    });

    it("ends as NotRegistered and is kept, when nobody knew it for its whole time", async () => {
      await place.node({ pool: "processes", concurrency: 1 });
      const id = randomUUID();
      // Its waits are counted in the message itself: 1, 2, 4 … 60 s make ten minutes after fifteen looks.
      const bytes = strangerMessage({ task: "bad.nobody", id, properties: { lovage: { unknown: 15 } } });
      await place.push(bytes);
      const error = await place.app
        .result(id)
        .get({ timeoutMs: 10_000 })
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: "NotRegisteredError", code: "LOVAGE_NOT_REGISTERED", details: { task: "bad.nobody" } });
      expect((await place.app.result(id).info())?.document).toMatchObject({ status: "FAILURE", result: { exc_type: "NotRegistered" } });
      const letters = await place.deadLetters();
      expect(letters).toMatchObject([{ reason: "unknown-task", queue: "celery", detail: expect.stringContaining('"bad.nobody"') }]);
      expect(Buffer.from(letters[0]?.bytes ?? "").toString()).toBe(bytes);
    });
  });
});
