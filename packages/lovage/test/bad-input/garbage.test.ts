import { randomBytes, randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Place, redisCommand, skips, storeKinds } from "./place.ts";
import { strangerMessage } from "./stranger.ts";

interface Garbage {
  readonly what: string;
  readonly bytes: Uint8Array | string;
  readonly code: string;
  /** Where it can be read, its caller hears of it. */
  readonly id?: string;
}

const garbage: Garbage[] = [
  { what: "random bytes", bytes: randomBytes(4096), code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "nothing at all", bytes: "", code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "half of a message", bytes: strangerMessage({ task: "bad.echo" }).slice(0, 200), code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "a packed message", bytes: gzipSync(strangerMessage({ task: "bad.echo" })), code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "JSON that is no object", bytes: "[1, 2, 3]", code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "JSON that is no envelope", bytes: '{"task": "bad.echo", "args": [1]}', code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "JSON that is too deep", bytes: "[".repeat(200_000) + "]".repeat(200_000), code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "headers that are a list", bytes: strangerMessage({ task: "", envelope: { headers: [1] } }), code: "LOVAGE_ENVELOPE_INVALID" },
  { what: "no task anywhere", bytes: strangerMessage({ task: "", envelope: { headers: {} } }), code: "LOVAGE_HEADERS_INVALID" },
  named("two parts in its body", "LOVAGE_BODY_INVALID", { body: [[1], {}] }),
  named("a body that is not JSON", "LOVAGE_BODY_INVALID", { rawBody: "<xml/>" }),
  named("a body that is not text", "LOVAGE_BODY_INVALID", { rawBody: randomBytes(64) }),
  named("a body that is a number", "LOVAGE_BODY_INVALID", { body: 42 }),
  named("arguments that are text", "LOVAGE_BODY_INVALID", { body: ["[1]", {}, {}] }),
  named("keyword arguments that are a list", "LOVAGE_BODY_INVALID", { body: [[], [1], {}] }),
  named("a body that is too deep", "LOVAGE_BODY_INVALID", { rawBody: `[${"[".repeat(100_000)}${"]".repeat(100_000)}, {}, {}]` }),
  named("pickle", "LOVAGE_CONTENT_TYPE_REFUSED", {
    rawBody: "\u0080\u0004]\u0094.",
    envelope: { "content-type": "application/x-python-serialize", "content-encoding": "binary" },
  }),
  named("an unknown compression", "LOVAGE_COMPRESSION_UNSUPPORTED", { headers: { compression: "application/x-rar" } }),
  named("an eta that is no time", "LOVAGE_HEADERS_INVALID", { headers: { eta: "the day after tomorrow" } }),
  named("an expiry that is a number", "LOVAGE_HEADERS_INVALID", { headers: { expires: 12 } }),
  named("retries that are text", "LOVAGE_HEADERS_INVALID", { headers: { retries: "many" } }),
  named("retries below zero", "LOVAGE_HEADERS_INVALID", { headers: { retries: -1 } }),
  named("a time limit below zero", "LOVAGE_HEADERS_INVALID", { headers: { timelimit: [-1, null] } }),
  named("callbacks that are no signatures", "LOVAGE_BODY_INVALID", { body: [[], {}, { callbacks: ["x"] }] }),
];

function named(what: string, code: string, wrong: Omit<Parameters<typeof strangerMessage>[0], "task" | "id">): Garbage {
  const id = randomUUID();
  return { what, code, id, bytes: strangerMessage({ task: "bad.echo", id, ...wrong }) };
}

const asText = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("latin1");

describe.each(storeKinds)("garbage on a queue of %s", (kind) => {
  describe.skipIf(skips(kind))("", () => {
    let place: Place;
    beforeEach(async () => {
      place = await Place.open(kind);
    });
    afterEach(() => place.close());

    it("is kept byte for byte with its reason, callers hear of it, and the same runner goes on", { timeout: 60_000 }, async () => {
      const good = [];
      for (const [i, { bytes }] of garbage.entries()) {
        await place.push(bytes);
        good.push(await place.app.send("bad.echo", [i]));
      }
      const node = await place.node({ pool: "processes", concurrency: 1, prefetchMultiplier: 4 });
      const pids = await node.pids();
      expect(await Promise.all(good.map((result) => result.get({ timeoutMs: 20_000 })))).toEqual(garbage.map((_, i) => i));

      const letters = await waitFor("all dead letters", async () => {
        const found = await place.deadLetters();
        return found.length >= garbage.length ? found : null;
      });
      const kept = letters.map(({ reason, detail, queue, bytes }) => ({ reason, code: detail.split(":")[0], queue, bytes: asText(bytes) }));
      const expected = garbage.map(({ code, bytes }) => ({ reason: "undecodable", code, queue: "celery", bytes: asText(bytes) }));
      const byBytes = (a: { bytes: string }, b: { bytes: string }) => (a.bytes < b.bytes ? -1 : 1);
      expect(kept.sort(byBytes)).toEqual(expected.sort(byBytes));

      for (const { what, id, code } of garbage) {
        if (id === undefined) continue;
        const error = await place.app
          .result(id)
          .get({ timeoutMs: 5000 })
          .then(fail, (caught: unknown) => caught);
        expect(error, what).toMatchObject({ name: "RemoteError", details: { type: "MessageError", args: [expect.anything(), code] } });
      }
      expect(await place.depth()).toBe(0);
      expect(node.logged("runner.died")).toEqual([]);
      expect(await node.pids()).toEqual(pids);
      expect(node.logged("runner.dead-letter")).toHaveLength(garbage.length);
    });
  });
});

describe.skipIf(skips("redis"))("a queue's key that is no list", () => {
  it("is refused with a code where it is sent to, and its worker serves its other queues", async () => {
    const place = await Place.open("redis");
    try {
      await redisCommand(place.broker, ["SET", "spoilt", "somebody's text"]);
      const node = await place.node({ pool: "processes", concurrency: 1, queues: ["spoilt", "celery"] });
      const pids = await node.pids();
      const sent = place.app.send("bad.echo", [1], { queue: "spoilt" });
      await expect(sent).rejects.toMatchObject({ name: "StoreRefusedError", code: expect.stringMatching(/^LOVAGE_/) });
      expect(await (await place.app.send("bad.echo", [2])).get({ timeoutMs: 10_000 })).toBe(2);
      expect(await redisCommand(place.broker, ["GET", "spoilt"])).toBe("somebody's text");
      expect(await node.pids()).toEqual(pids);
    } finally {
      await place.close();
    }
  });
});

function fail(value: unknown): never {
  throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
}
