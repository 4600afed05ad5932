/** `EventExchange`, or the bus in its place: events reach all that listen, Python's way where Python shares the store. */
import assert from "node:assert/strict";
import { encodeEvents, eventText } from "../../events/envelope.ts";
import { busEvents } from "../../events/event-link.ts";
import type { Store } from "../../store/store.ts";
import { cases, eventually, fenced, listening, type Suite, startRunner, text, unique } from "./harness.ts";

const linkOf = (store: Store) => store.events ?? busEvents(store.bus);
const word = (routingKey: string, uuid: string) => ({
  routingKey,
  envelope: encodeEvents("celery@test", routingKey, eventText({ type: "task-started", hostname: "celery@test", timestamp: 1, uuid })),
});

/** Runs `body` once all that is published is heard; words said to find that out are left out. */
async function hearing(
  store: Store,
  routingKey: string | undefined,
  body: (heard: () => readonly string[]) => Promise<void>,
): Promise<void> {
  let stands = false;
  const onListening = () => {
    stands = true;
  };
  const options = routingKey === undefined ? { onListening } : { routingKey, onListening };
  await listening(
    (signal) => linkOf(store).receive(signal, options),
    async (seen) => {
      await eventually("it listens", () => stands);
      await body(() => seen.map(text).filter((envelope) => !envelope.includes('"routing_key": "hello"')));
    },
  );
}

export const eventsSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: events`, () => {
    it("brings whoever listens all events from then on, in order and from anyone", async ({ store, connect }) => {
      const other = await connect();
      const words = [word("task.multi", "a"), word("worker.online", "b"), word("task.multi", "c")];
      await hearing(store, undefined, (near) =>
        hearing(other, undefined, async (far) => {
          for (const [at, each] of words.entries()) await linkOf(at === 1 ? other : store).publish(each);
          for (const heard of [near, far]) {
            await eventually("all are heard", () => heard().length === words.length);
            assert.deepEqual(
              heard(),
              words.map(({ envelope }) => envelope),
            );
          }
        }),
      );
    });

    it("brings those of one routing key alone to whoever asked for them", async ({ store }) => {
      const [other, mine] = [word("worker.online", "a"), word("worker.elect", "b")];
      await hearing(store, "worker.elect", async (heard) => {
        await linkOf(store).publish(other);
        await linkOf(store).publish(mine);
        await eventually("it is heard", () => heard().length > 0);
        assert.deepEqual(heard(), [mine.envelope]);
      });
    });

    it("says how many heard it, where the server can", async ({ store }) => {
      const nobody = await linkOf(store).publish(word("task.multi", "a"));
      assert.equal(nobody, store.events === undefined ? undefined : 0);
      await hearing(store, undefined, async () => {
        const one = await linkOf(store).publish(word("task.multi", "b"), { withCommits: true });
        assert.equal(one, store.events === undefined ? undefined : 1);
      });
    });

    it("takes them with a beat where it has channels for them, unless the node was closed", async ({ store, connect }) => {
      if (store.events === undefined) return; // the node says them by itself
      const { node } = await startRunner(store);
      const words = [word("task.multi", "a"), word("worker.heartbeat", "b")];
      await hearing(await connect(), "worker.heartbeat", async (heard) => {
        assert.deepEqual((await store.leases.beat(node, words)).heard, [0, 1]);
        assert.deepEqual((await store.leases.beat(node)).heard, []);
        await store.leases.closeNode(node);
        await assert.rejects(store.leases.beat(node, words), fenced("LOVAGE_NODE_CLOSED"));
        await linkOf(store).publish(word("worker.heartbeat", unique("last")));
        await eventually("the last is heard", () => heard().length > 1);
        assert.equal(heard().length, 2);
        assert.equal(heard()[0], words[1]?.envelope);
      });
    });
  });
};
