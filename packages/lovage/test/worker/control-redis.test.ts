import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../../dist/control/ask.js";
import { busLink } from "../../dist/control/control-link.js";
import { Place, skips } from "../bad-input/place.ts";
import { waitFor } from "./wait-for.ts";

const nodes = ["one@here", "two@here", "three@here"];
/** A connection is tried again every second at the latest; the rest is for a loaded machine. */
const answerWithinMs = 5000;

describe.skipIf(skips("redis"))("the mailboxes of three nodes", () => {
  let place: Place;
  beforeAll(async () => {
    place = await Place.open("redis", { redis: { appendOnly: true } });
    await Promise.all(nodes.map((name) => place.node({ pool: "solo", name })));
  }, 60_000);
  afterAll(() => place.close());

  it("answer again promptly, however often Redis starts anew", { timeout: 90_000 }, async () => {
    const { pidbox, bus } = await place.app.store();
    const link = pidbox ?? busLink(bus);
    const all = async () => {
      const answers = await ask(link, { method: "ping", timeoutMs: 500, limit: nodes.length }).catch(() => ({}));
      return Object.keys(answers).length === nodes.length;
    };
    for (const kill of [false, true, false, true]) {
      if (kill) process.kill(place.redis?.pid ?? 0, "SIGKILL");
      await place.redis?.restart();
      const since = performance.now();
      await waitFor("answers of all", all, 30_000);
      expect(performance.now() - since).toBeLessThan(answerWithinMs);
    }
  });
});
