/** `Bus`: broadcast that may lose, but never blocks. Delivery is tried until heard, as the seam allows a late start. */
import assert from "node:assert/strict";
import type { BusMessage } from "../../broker/bus.ts";
import { type Bench, cases, eventually, listening, type Suite, text } from "./harness.ts";

type Heard = readonly BusMessage[];
const said = (heard: Heard) => heard.map((one) => `${one.channel}: ${text(one.data)}`);

/** A subscription is on once it hears a message of its own channel. */
async function heardOnce({ store }: Bench, channel: string, heard: Heard): Promise<void> {
  await eventually("the subscription is on", async () => {
    await store.bus.publish(channel, "hello?");
    return said(heard).includes(`${channel}: hello?`);
  });
}

export const busSuite: Suite = (api, name, make) => {
  const it = cases(api, make);
  api.describe(`${name}: bus`, () => {
    it("brings every subscriber what is published on its channels, in order and from anyone", async (bench) => {
      const other = await bench.connect();
      await listening(
        (signal) => bench.store.bus.subscribe(["control"], signal),
        (near) =>
          listening(
            (signal) => other.bus.subscribe(["control", "more"], signal),
            async (far) => {
              await heardOnce(bench, "control", near);
              await heardOnce(bench, "more", far);
              await other.bus.publish("control", "one");
              await other.bus.publish("elsewhere", "not for us");
              await other.bus.publish("control", new Uint8Array([0xff, 0]));
              await bench.store.bus.publish("control", "end");
              for (const heard of [near, far]) {
                await eventually("the last one is heard", () => said(heard).includes("control: end"));
                const tail = heard.slice(-3).map((one) => [...one.data]);
                assert.deepEqual(tail, [[...Buffer.from("one")], [0xff, 0], [...Buffer.from("end")]]);
              }
            },
          ),
      );
    });

    it("takes a name that ends in * for a prefix", async (bench) => {
      await listening(
        (signal) => bench.store.bus.subscribe(["events/*"], signal),
        async (heard) => {
          await heardOnce(bench, "events/task", heard);
          await bench.store.bus.publish("event", "no");
          await bench.store.bus.publish("events/", "empty rest");
          await bench.store.bus.publish("events/worker", "yes");
          await eventually("the last one is heard", () => said(heard).includes("events/worker: yes"));
          assert.deepEqual(said(heard).slice(-2), ["events/: empty rest", "events/worker: yes"]);
        },
      );
    });

    it("takes a message nobody listens to, and ends a subscription with its signal", async ({ store }) => {
      await store.bus.publish("control", "to nobody");
      const controller = new AbortController();
      const heard = store.bus.subscribe(["control"], controller.signal)[Symbol.asyncIterator]();
      const first = heard.next();
      controller.abort();
      assert.equal((await first).done, true);
    });
  });
};
