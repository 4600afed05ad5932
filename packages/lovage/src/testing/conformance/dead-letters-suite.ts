/** `DeadLetters`: found again, moved back once, thrown away, kept within bounds; never in two places. */
import assert from "node:assert/strict";
import type { DeadLetter } from "../../broker/dead-letters.ts";
import type { DeadReason, DeathCause } from "../../message/commit.ts";
import type { Store } from "../../store/store.ts";
import { ack, body, cases, message, only, result, type Suite, startRunner, type TestRunner, text, texts } from "./harness.ts";

const envelope = (task: string, id: string) => JSON.stringify({ body: "W10=", headers: { task, id }, properties: {} });

/** Each message is reserved and given up for its reason. */
async function kill(
  store: Store,
  dead: readonly { id: string; reason?: DeadReason; task?: string; queue?: string }[],
): Promise<TestRunner> {
  const runner = await startRunner(store);
  for (const { id, reason = "poison", task = "t", queue = "q" } of dead) {
    await store.broker.publish({ messages: [message(id, { queue, bytes: envelope(task, id) })] });
    const settle = { kind: "dead-letter", reason, detail: `${id} died`, cause: "abort" as DeathCause, attempts: 3 } as const;
    await runner.commit({ ...ack(await runner.reserveOne(queue)), settle, results: [result(id, "FAILURE")] });
  }
  return runner;
}

const details = (letters: readonly DeadLetter[]) => letters.map(({ detail }) => detail.split(" ")[0]);
const named = (ids: string) => [...ids].map((id) => ({ id }));
const again = (taskId: string) => message(taskId, { bytes: body(`${taskId} again`) });

export const deadLettersSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: dead letters`, () => {
    it("finds a letter by its id, with all that was said of it", async ({ store }) => {
      const { epoch } = await kill(store, [{ id: "a", reason: "retries-exhausted" }]);
      const letter = only(await store.deadLetters.list(5));
      const { id, at, bytes, ...rest } = letter;
      assert.deepEqual(rest, {
        delivery: { epoch, number: 1 },
        ...{ queue: "q", bucket: 0, reason: "retries-exhausted", detail: "a died", cause: "abort", attempts: 3 },
      });
      assert.equal(text(bytes), envelope("t", "a"));
      assert.ok(at > 0);
      assert.deepEqual(await store.deadLetters.get(id), letter);
      assert.equal(await store.deadLetters.get(`${at}-ffffffffffffffff`), undefined);
      assert.equal(await store.deadLetters.get("no id at all"), undefined);
    });

    it("lists what fits, newest first, and goes on behind a letter that is gone", async ({ store }) => {
      const letters = named("abcdefg").map(({ id }, i) => ({ id, task: i % 2 ? "odd" : "even", queue: i < 3 ? "q" : "r" }));
      await kill(store, letters);
      const { deadLetters } = store;
      assert.deepEqual(details(await deadLetters.list(99)), [..."gfedcba"]);
      const first = await deadLetters.list(3);
      assert.deepEqual(details(first), [..."gfe"]);
      const after = first[2]?.id as string;
      await deadLetters.discard([after]);
      assert.deepEqual(details(await deadLetters.list(2, { after })), [..."dc"]);
      assert.deepEqual(details(await deadLetters.list(9, { filter: { task: "odd" } })), [..."fdb"]);
      assert.deepEqual(details(await deadLetters.list(1, { filter: { task: "odd", queue: "q" } })), ["b"]);
      assert.deepEqual(details(await deadLetters.list(9, { filter: { taskId: "c" } })), ["c"]);
      assert.deepEqual(details(await deadLetters.list(9, { filter: { reason: "lost" } })), []);
      const all = await deadLetters.list(9);
      const at = all[2]?.at as number;
      const since = await deadLetters.list(9, { filter: { since: at } });
      const before = await deadLetters.list(9, { filter: { before: at } });
      assert.deepEqual([...since, ...before], all);
    });

    it("walks over many letters of one moment", async ({ store }) => {
      const letter = { delivery: { epoch: "e", number: 1 }, queue: "q", bucket: 0, reason: "lost", at: 5000 } as const;
      const many = Array.from({ length: 450 }, (_, i) => ({ ...letter, detail: `${i} died`, bytes: Buffer.from(envelope("t", `${i}`)) }));
      await store.deadLetters.add(many);
      const seen: string[] = [];
      for (let after: string | undefined; seen.length < 450; ) {
        const page = await store.deadLetters.list(70, after === undefined ? {} : { after });
        assert.ok(page.length > 0);
        seen.push(...page.map(({ detail }) => detail));
        after = page.at(-1)?.id;
      }
      assert.deepEqual(seen, many.map(({ detail }) => detail).reverse());
      assert.deepEqual(details(await store.deadLetters.list(450, { filter: { taskId: "3" } })), ["3"]);
    });

    it("counts by queue and reason, what was moved or discarded no more", async ({ store }) => {
      await kill(store, [{ id: "a" }, { id: "b" }, { id: "c", reason: "lost" }, { id: "d", queue: "r|s" }]);
      const { deadLetters } = store;
      const counts = async () => (await deadLetters.counts()).map(({ queue, reason, count }) => `${queue} ${reason} ${count}`).sort();
      assert.deepEqual(await counts(), ["q lost 1", "q poison 2", "r|s poison 1"]);
      const [d, c, b] = await deadLetters.list(3);
      await deadLetters.replay({ id: b?.id as string, message: again("b") });
      assert.equal(await deadLetters.discard([c?.id as string, d?.id as string, d?.id as string]), 2);
      assert.deepEqual(await counts(), ["q poison 1"]);
      assert.equal(await deadLetters.count(), 1);
    });

    it("moves a letter back once: the same call again finds nothing, and its task is waited for again", async ({ store, connect }) => {
      const runner = await kill(store, [{ id: "a" }, { id: "b" }]);
      const other = await connect();
      const [, a] = await store.deadLetters.list(5);
      const replay = { id: a?.id as string, message: again("a"), ended: { taskId: "a" } };
      const moved = await Promise.all([store.deadLetters.replay(replay), other.deadLetters.replay(replay)]);
      assert.deepEqual(moved.sort(), [false, true]);
      assert.equal(await store.deadLetters.replay(replay), false);
      assert.deepEqual(details(await store.deadLetters.list(5)), ["b"]);
      assert.deepEqual((await store.results.load(["a", "b"])).map(Boolean), [false, true]);
      assert.deepEqual(texts(await runner.reserve(5)), [body("a again")]);
      assert.equal(await store.deadLetters.get(replay.id), undefined);
    });

    it("leaves a SUCCESS that stands there, and takes another queue", async ({ store }) => {
      const runner = await kill(store, [{ id: "a" }]);
      await store.results.store([result("a", "SUCCESS", 7)]);
      const { id } = only(await store.deadLetters.list(5));
      assert.equal(await store.deadLetters.replay({ id, message: { ...again("a"), queue: "other" }, ended: { taskId: "a" } }), true);
      assert.equal((await store.results.load(["a"]))[0]?.document, result("a", "SUCCESS", 7).document);
      assert.deepEqual(texts(await runner.reserve(5, ["other"])), [body("a again")]);
      assert.ok((await store.broker.queues.names()).includes("other"));
    });

    it("takes a member's part back while its chord is open, and lets it be when it has ended", async ({ store }) => {
      const part = (id: string, index: number, state: string) => ({
        ...{ groupId: "g", index, taskId: id, expiresMs: 60_000 },
        member: JSON.stringify([1, id, state, index]),
      });
      const chords = [{ groupId: "g", size: 2, expiresMs: 60_000 }];
      await store.broker.publish({ messages: [message("a"), message("b"), message("c")], chords });
      const runner = await startRunner(store);
      const settle = { kind: "dead-letter", reason: "poison", detail: "" } as const;
      await runner.commit({ ...ack(await runner.reserveOne()), settle, chordParts: [part("a", 0, "FAILURE")] });
      const chord = { groupId: "g", index: 0 };
      const replay = async () => {
        const { id } = only(await store.deadLetters.list(5));
        assert.equal(await store.deadLetters.replay({ id, message: again("a"), ended: { taskId: "a", chord } }), true);
      };
      await replay();
      // Without its FAILURE the set lacks two again, so this one does not complete it.
      assert.deepEqual(await runner.commit(ack(await runner.reserveOne(), { chordParts: [part("b", 1, "SUCCESS")] })), ["applied"]);
      await runner.commit(ack(await runner.reserveOne()));
      const last = await runner.reserveOne();
      assert.equal(text(last.bytes), body("a again"));
      const failed = { ...ack(last), settle, chordParts: [{ ...part("a", 0, "FAILURE"), completes: "error" as const }] };
      assert.deepEqual(await runner.commit(failed), ["applied"]);
      await replay();
      const late = ack(await runner.reserveOne(), { chordParts: [part("a", 0, "SUCCESS")] });
      assert.deepEqual(await runner.commit(late), ["applied"], "a chord that has ended must not ask for its parts");
    });

    it("keeps the newest within a number and an age, and counts what it drops", async ({ store, pass }) => {
      await kill(store, named("abcde"));
      assert.equal(await store.deadLetters.trim({ most: null, olderThanMs: 3_600_000 }), 0);
      assert.equal(await store.deadLetters.trim({ most: 3, olderThanMs: null }), 2);
      assert.deepEqual(details(await store.deadLetters.list(9)), [..."edc"]);
      await pass(60);
      await kill(store, named("f"));
      assert.equal(await store.deadLetters.trim({ most: 3, olderThanMs: 50 }), 3);
      assert.deepEqual(details(await store.deadLetters.list(9)), ["f"]);
      assert.equal((await store.counters())["dead-letters|DROPPED"], 5);
      assert.deepEqual(await store.deadLetters.counts(), [{ queue: "q", reason: "poison", count: 1 }]);
    });

    it("takes letters of an export, with their times", async ({ store, connect }) => {
      await kill(store, [{ id: "a" }, { id: "b", queue: "r" }]);
      const letters = await store.deadLetters.list(9);
      const other = await connect({ namespace: "elsewhere" });
      await other.deadLetters.add(letters);
      const plain = (all: readonly DeadLetter[]) => all.map(({ id: _, bytes, ...letter }) => ({ ...letter, bytes: text(bytes) }));
      assert.deepEqual(
        plain(await other.deadLetters.list(9)).map(({ at }) => at),
        plain(letters).map(({ at }) => at),
      );
      const byDetail = (all: readonly DeadLetter[]) => plain(all).sort((one, two) => (one.detail < two.detail ? -1 : 1));
      assert.deepEqual(byDetail(await other.deadLetters.list(9)), byDetail(letters));
      assert.equal((await other.deadLetters.counts()).length, 2);
    });
  });
};
