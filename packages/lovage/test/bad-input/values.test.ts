import { createApp } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkerNode } from "../worker/node.ts";
import { Place, skips, storeKinds } from "./place.ts";

const circle: Record<string, unknown> = {};
circle.self = circle;

describe.each(storeKinds)("values that cannot travel, on %s", (kind) => {
  describe.skipIf(skips(kind))("", () => {
    let place: Place;
    let node: WorkerNode;
    beforeAll(async () => {
      place = await Place.open(kind);
      node = await place.node({ pool: "processes", concurrency: 1 });
    });
    afterAll(() => place?.close());

    it.each([
      ["a circle", circle, "LOVAGE_NOT_SERIALIZABLE"],
      ["a function", { f: () => 1 }, "LOVAGE_NOT_SERIALIZABLE"],
      ["nine megabytes", "x".repeat(9_000_000), "LOVAGE_MESSAGE_TOO_LARGE"],
    ])("are refused as arguments, and nothing is sent: %s", async (_, value, code) => {
      await expect(place.app.send("bad.echo", [value])).rejects.toMatchObject({ name: "SerializationError", code });
      expect(await place.depth()).toBe(0);
    });

    it.each(["circle", "function", "symbol"])("end a run as a FAILURE that says so: a %s", async (what) => {
      const result = await place.app.send("bad.worthless", [what]);
      const error = await result.get({ timeoutMs: 10_000 }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: "RemoteError", details: { args: [expect.any(String), "LOVAGE_NOT_SERIALIZABLE"] } });
      expect(node.logged("runner.died")).toEqual([]);
    });
  });
});

describe.skipIf(skips("redis"))("a Redis whose memory is full", () => {
  it("refuses what is sent with a code, is drained by workers, and takes more again", { timeout: 60_000 }, async () => {
    const place = await Place.open("redis", { redis: { args: ["--maxmemory", "4mb", "--maxmemory-policy", "noeviction"] } });
    const app = createApp({ name: "small", broker: place.broker, environment: false, folder: false, onFault: () => {} });
    try {
      const taken = [];
      let refusal: unknown;
      while (refusal === undefined && taken.length < 10_000) {
        const sent = await app.send("bad.echo", ["x".repeat(5000)], { ignoreResult: true }).catch((caught: unknown) => caught);
        if (sent instanceof Error) refusal = sent;
        else taken.push(sent);
      }
      expect(refusal).toMatchObject({ name: "BrokerUnavailableError", code: "LOVAGE_BROKER_FULL" });
      expect(await place.depth()).toBe(taken.length);
      const node = await place.node({ pool: "processes", concurrency: 1 });
      const later = await untilTaken(() => app.send("bad.echo", ["later"]));
      expect(await later.get({ timeoutMs: 15_000 })).toBe("later");
      expect(await place.depth()).toBe(0);
      expect((await (await app.store()).counters())["bad.echo|SUCCESS"]).toBe(taken.length + 1);
      expect(await place.deadLetters()).toEqual([]);
      expect(node.logged("runner.died")).toEqual([]);
    } finally {
      await app.close();
      await place.close();
    }
  });
});

async function untilTaken<T>(send: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}
