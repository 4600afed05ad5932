import { afterAll, test as anyTest, beforeAll, expect } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { watching } from "../../testing/conformance/harness.ts";
import { type RedisServer, startRedis } from "../../testing/redis-server.ts";
import { defaultStoreOptions, type Store } from "../store.ts";
import { open } from "./index.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

let server: RedisServer;
let store: Store;
beforeAll(async () => {
  // A server cuts off subscribers that are slow to read; here at once, above 1 MB.
  server = await startRedis({ args: ["--client-output-buffer-limit", "pubsub 1mb 1mb 1"] });
  store = await open(server.url, { ...defaultStoreOptions, clock: systemClock, onFault: () => undefined });
});
afterAll(async () => {
  await store.close();
  await server.stop();
});

const large = (taskId: string) => ({ taskId, state: "SUCCESS", document: `{"result":"${"x".repeat(3_000_000)}"}`, expiresMs: null });

test("results larger than what a subscriber may leave unread are seen: those that are there, and those that come", {
  timeout: 20_000,
}, async () => {
  await store.results.store([large("a"), large("b")]);
  const watch = watching(store.results, ["a", "b", "c"], new AbortController().signal);
  const seen = [await watch.next(), await watch.next()];
  const later = watch.next();
  await store.results.store([large("c")]);
  seen.push(await later);
  expect(seen.map(({ value }) => [value?.taskId, value?.document.length])).toEqual(["a", "b", "c"].map((id) => [id, 3_000_013]));
  await watch.return(undefined);
});
