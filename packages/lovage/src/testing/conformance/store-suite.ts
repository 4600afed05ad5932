/** `Store` as a whole: ping, isolation by prefix and namespace, what closing means. And all the suites in one call. */
import assert from "node:assert/strict";
import { brokerSuite } from "./broker-suite.ts";
import { busSuite } from "./bus-suite.ts";
import { chordSuite } from "./chord-suite.ts";
import { commitSuite } from "./commit-suite.ts";
import { deadLettersSuite } from "./dead-letters-suite.ts";
import { eventsSuite } from "./events-suite.ts";
import { ack, body, cases, message, result, type Suite, startRunner, texts, watching } from "./harness.ts";
import { leasesSuite } from "./leases-suite.ts";
import { limitsSuite } from "./limits-suite.ts";
import { queuesSuite } from "./queues-suite.ts";
import { resultsSuite } from "./results-suite.ts";
import { revokesSuite } from "./revokes-suite.ts";
import { stateSuite } from "./state-suite.ts";

export const storeSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: store`, () => {
    it("answers a ping with what it is and how far it keeps what it took", async ({ store }) => {
      const report = await store.ping(2_000);
      assert.ok(report.server.length > 0 && report.durability.length > 0);
      assert.ok(Array.isArray(report.findings));
    });

    it("shows one connection what another one did", async ({ store, connect }) => {
      await store.broker.publish({ messages: [message("a")] });
      const other = await connect();
      const runner = await startRunner(other);
      await runner.commit(ack(await runner.reserveOne(), { results: [result("a", "SUCCESS")], count: { task: "t", state: "SUCCESS" } }));
      assert.ok((await store.results.load(["a"]))[0]);
      assert.deepEqual(await store.counters(), { "t|SUCCESS": 1 });
    });

    it("keeps queues of different key prefixes apart", async ({ store, connect }) => {
      const other = await connect({ keyPrefix: "other:" });
      await store.broker.publish({ messages: [message("a")] });
      await other.broker.publish({ messages: [message("b")] });
      assert.deepEqual(texts(await (await startRunner(other)).reserve(5)), [body("b")]);
      assert.deepEqual(await store.broker.queues.depth(["q"]), [1]);
    });

    it("closes twice as once, and refuses calls from then on", async ({ connect }) => {
      const store = await connect();
      await store.close();
      await store.close();
      await assert.rejects(store.broker.publish({ messages: [message("a")] }));
    });

    it("ends what still listens when it closes", async ({ connect }) => {
      const store = await connect();
      const { signal } = new AbortController();
      const bell = store.leases.wake(["q"], signal)[Symbol.asyncIterator]();
      await bell.next();
      const waiting = [
        bell.next(),
        watching(store.results, ["a"], signal).next(),
        store.state.follow("log", "", signal)[Symbol.asyncIterator]().next(),
        store.bus.subscribe(["c"], signal)[Symbol.asyncIterator]().next(),
      ];
      await store.close();
      assert.deepEqual(
        (await Promise.all(waiting)).map((step) => step.done),
        [true, true, true, true],
      );
    });
  });
};

/** Everything a store must pass. */
export const conformance: Suite = (api, name, make) => {
  for (const suite of [
    storeSuite,
    brokerSuite,
    commitSuite,
    deadLettersSuite,
    chordSuite,
    leasesSuite,
    limitsSuite,
    queuesSuite,
    resultsSuite,
    revokesSuite,
    busSuite,
    eventsSuite,
    stateSuite,
  ]) {
    suite(api, name, make);
  }
};
