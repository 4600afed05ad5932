import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Place, skips, storeKinds } from "./place.ts";

/** A small heap, so that running out of it takes no time. Inherited by the nodes of this file and by their runners. */
const smallHeap = "--max-old-space-size=64";

describe.each(storeKinds)("a task that ends its runner, on %s", (kind) => {
  describe.skipIf(skips(kind))("", () => {
    let place: Place;
    const options = process.env.NODE_OPTIONS;
    beforeEach(async () => {
      place = await Place.open(kind);
      process.env.NODE_OPTIONS = `${options ?? ""} ${smallHeap}`.trim();
    });
    afterEach(async () => {
      if (options === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = options;
      await place.close();
    });

    it.each([
      ["processes", 2],
      ["async", 4],
    ])(
      "by abort, by exit or out of memory is run three times, then kept, and its neighbours succeed (pool %s)",
      { timeout: 90_000 },
      async (pool, concurrency) => {
        const node = await place.node({ pool, concurrency });
        const fatal = ["bad.abort", "bad.exit", "bad.hoard"];
        const poison = await Promise.all(fatal.map((task) => place.app.send(task, [])));
        const neighbours = await Promise.all(Array.from({ length: 30 }, (_, i) => place.app.send("bad.echo", [i])));
        expect(await Promise.all(neighbours.map((each) => each.get({ timeoutMs: 60_000 })))).toEqual(neighbours.map((_, i) => i));
        const ends = await Promise.all(poison.map((each) => each.get({ timeoutMs: 60_000 }).catch((caught: unknown) => caught)));
        expect(ends).toMatchObject(fatal.map(() => ({ name: "WorkerLostError", code: "LOVAGE_WORKER_LOST" })));

        const letters = await place.deadLetters();
        const byTask = new Map(letters.map((letter) => [JSON.parse(Buffer.from(letter.bytes).toString()).headers.task, letter]));
        expect([...byTask.keys()].sort()).toEqual([...fatal].sort());
        for (const letter of letters)
          expect(letter).toMatchObject({ reason: "poison", attempts: 3, detail: expect.stringContaining("3 times") });
        expect(fatal.map((task) => byTask.get(task)?.cause)).toEqual(["abort", "exit", "heap-limit"]);
        expect(byTask.get("bad.exit")?.detail).toContain("exit code 3");
        expect(byTask.get("bad.abort")?.detail).toContain("SIGABRT");
        // Three deaths each, not one more, some of them together; and the pool is whole again.
        // The line of the last may come after its result.
        const deaths = () => node.logged("runner.died").length;
        await waitFor("the deaths", () => deaths() >= (pool === "processes" ? 9 : 7));
        expect(await (await place.app.send("bad.echo", ["still here"])).get({ timeoutMs: 15_000 })).toBe("still here");
        expect(await place.depth()).toBe(0);
        expect(deaths()).toBeLessThanOrEqual(9);
      },
    );
  });
});
