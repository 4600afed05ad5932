import { writeFileSync } from "node:fs";
import { leavesOut, SmallDisk } from "lovage/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Place } from "./place.ts";

describe.skipIf(leavesOut("a full disk", SmallDisk.refusal()))("a full disk under the SQLite file", () => {
  let disk: SmallDisk;
  let place: Place;
  beforeEach(async () => {
    disk = new SmallDisk(8);
    place = await Place.open("sqlite", { folder: disk.folder });
  });
  afterEach(async () => {
    await place?.close();
    disk?.unmount();
  });

  it("refuses what is sent, keeps outcomes, and loses nothing of what it took", { timeout: 90_000 }, async () => {
    const node = await place.node({ pool: "async", concurrency: 8 });
    const pids = await node.pids();
    const file = place.file();
    const gate = place.file();
    // Eight run and the others wait; each result is as large as its message.
    const payload = "x".repeat(20_000);
    const taken = await Promise.all(Array.from({ length: 30 }, (_, i) => place.app.send("bad.span", [file, gate, `${i} ${payload}`])));
    await waitFor("eight runs", () => place.lines(file).length >= 8);

    disk.fill();
    const refused = await untilRefused(async (i) => {
      taken.push(await place.app.send("bad.span", [file, gate, `${i} ${payload}`]));
    });
    expect(refused.error).toMatchObject({
      name: "BrokerUnavailableError",
      code: "LOVAGE_STORE_FULL",
      message: expect.stringContaining("free some space"),
    });
    // The deadline is 2 s; the rest is what a loaded machine may take to run a timer.
    expect(refused.tookMs).toBeLessThan(4000);

    // They end while the store takes no outcome: the runner keeps them, and stays.
    writeFileSync(gate, "");
    await waitFor("the eight ends", () => place.lines(file).filter((line) => line.startsWith("-")).length >= 8);
    await waitFor("the runner to notice", () => node.logged("runner.store-down").length > 0);
    expect(JSON.stringify(node.logged("runner.store-down"))).toContain("LOVAGE_STORE_FULL");
    expect(node.child.exitCode).toBeNull();

    await disk.free();
    const values = await Promise.all(taken.map((result) => result.get({ timeoutMs: 30_000 })));
    expect(values).toEqual(taken.map((_, i) => `${i} ${payload}`));
    const runs = place.lines(file).filter((line) => line.startsWith("+"));
    expect(runs.length).toBe(taken.length);
    expect(new Set(runs).size).toBe(taken.length);
    expect(await node.pids()).toEqual(pids);
    expect(await place.depth()).toBe(0);
    expect(await place.deadLetters()).toEqual([]);
    expect(await (await place.app.send("bad.echo", ["later"])).get({ timeoutMs: 10_000 })).toBe("later");
  });
});

/** What was accepted was written to the file's own spare pages. */
async function untilRefused(send: (index: number) => Promise<void>): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  for (let index = 30; index < 1000; index++) {
    const started = performance.now();
    try {
      await send(index);
    } catch (error) {
      return { error, tookMs: performance.now() - started };
    }
  }
  throw new Error("a thousand messages were taken by a full disk");
}
