import { writeFileSync } from "node:fs";
import { createClient } from "@redis/client";
import { afterAll, describe, expect, it } from "vitest";
import { Place, skips } from "../bad-input/place.ts";
import { waitFor } from "./wait-for.ts";

describe.skipIf(skips("redis"))("messages handed to a runner that waits", () => {
  let place: Place | undefined;
  afterAll(() => place?.close());

  it("are run once each, also when the connection breaks on which it would have heard of them", { timeout: 60_000 }, async () => {
    place = await Place.open("redis");
    const { app, redis } = place;
    if (redis === undefined) throw new Error("this place has no Redis");
    await place.node({ pool: "async", concurrency: 2 });
    const killer = await createClient({ url: redis.url })
      .on("error", () => undefined)
      .connect();
    const [file, gate] = [place.file(), place.file()];
    writeFileSync(gate, "");
    const results = [];
    for (let value = 0; value < 60; value++) {
      if (value % 10 === 5) await killer.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"]);
      const result = await app.send("bad.span", [file, gate, value]);
      results.push(result);
      // One at a time, so that the runner waits for each; those behind a broken connection may take their time.
      if (value % 10 !== 5) await result.get({ timeoutMs: 30_000 });
    }
    await Promise.all(results.map((result) => result.get({ timeoutMs: 30_000 })));
    killer.destroy();
    const begun = place.lines(file).filter((line) => line.startsWith("+"));
    expect(begun.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, value) => value));
  });

  it("are not begun by a node that has said it takes nothing more", { timeout: 60_000 }, async () => {
    const home = await Place.open("redis");
    try {
      const node = await home.node({ pool: "processes", concurrency: 2 });
      const [file, gate] = [home.file(), home.file()];
      const busy = await home.app.send("bad.span", [file, gate, 1]);
      await waitFor("the run", () => home.lines(file).length === 1);
      // The other runner has found nothing, and stands by.
      expect(await (await home.app.send("bad.add", [1, 1])).get({ timeoutMs: 10_000 })).toBe(2);
      node.child.kill("SIGTERM");
      await waitFor("the end of the intake", () => node.logged("shutdown.intake-closed").length === 1);
      const late = await Promise.all([2, 3, 4].map((value) => home.app.send("bad.add", [value, 1])));
      writeFileSync(gate, "");
      expect(await node.exited, node.tail()).toBe(0);
      expect(await busy.get({ timeoutMs: 5000 })).toBe(1);
      expect(await Promise.all(late.map((result) => result.state()))).toEqual(["PENDING", "PENDING", "PENDING"]);
      expect(await home.depth()).toBe(3);
    } finally {
      await home.close();
    }
  });
});
