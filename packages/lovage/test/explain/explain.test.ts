import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createClient } from "@redis/client";
import { type App, createApp, type Explanation, type SendOptions } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bench } from "../worker/node.ts";
import { waitFor } from "../worker/wait-for.ts";

const appModule = fileURLToPath(new URL("./fixtures/explain-app.ts", import.meta.url));

/** Each reason is staged with real nodes: `wide` has room for many, `one` for a single task, `loop` is an event loop for four. */
describe.each(["redis", "sqlite"] as const)("why a task is not running, on %s", (kind) => {
  describe.skipIf(kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined)("", () => {
    let redis: RedisServer | undefined;
    let bench: Bench;
    let broker: string;
    let app: App;
    const gates: string[] = [];
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis() : undefined;
      bench = new Bench();
      broker = redis?.url ?? bench.broker;
      app = createApp({ name: "sender", broker, environment: false, folder: false });
      const node = { app: appModule, broker };
      await Promise.all([
        bench.node({ ...node, name: "wide@h", pool: "async", concurrency: 20, queues: ["celery", "paused"] }).ready(),
        bench.node({ ...node, name: "one@h", pool: "processes", concurrency: 1, queues: ["one"] }).ready(),
        bench.node({ ...node, name: "loop@h", pool: "async", concurrency: 4, queues: ["loop"] }).ready(),
      ]);
    });
    afterAll(async () => {
      for (const gate of gates) writeFileSync(gate, "");
      await app?.close();
      await bench?.close();
      await redis?.stop();
    });

    const send = async (task: string, options: SendOptions = {}, args: readonly unknown[] = []) => (await app.send(task, args, options)).id;
    /** Started, and running until the gate opens. */
    const occupy = async (task: string, options: SendOptions = {}) => {
      const [started, gate] = [bench.file(), bench.file()];
      gates.push(gate);
      const id = await send(task, options, [started, gate]);
      await waitFor(`${task} to start`, () => existsSync(started), 20_000);
      return { id, release: () => writeFileSync(gate, ""), args: [started, gate] };
    };
    /** Once it says so: workers take their time. */
    const explained = (id: string, code: string, says = /^/): Promise<Explanation> => {
      let last: Explanation | undefined;
      return waitFor(
        code,
        async () => {
          last = await app.explain(id, { timeoutMs: 500 });
          return last.reasons[0]?.code === code && says.test(last.reasons[0].says) ? last : undefined;
        },
        15_000,
      ).catch((error: Error) => {
        throw new Error(`${error.message}, but got ${JSON.stringify(last, null, 1)}`);
      });
    };
    const first = ({ reasons: [reason] }: Explanation) => `${reason?.says} ${reason?.remedy}`;

    it("no worker consumes its queue", async () => {
      const why = await explained(await send("e.quick", { queue: "onne" }), "no-worker");
      expect(first(why)).toMatch(/No worker consumes queue onne\..*one@h consumes one.*Did you mean one\?.*lovage worker -Q onne/);
    });

    it("nobody knows its name, or only others do", async () => {
      expect(first(await explained(await send("e.qick"), "unknown-task"))).toMatch(
        /wide@h does not know a task "e\.qick"\. Did you mean e\.quick\?/,
      );
    });

    it("its time has not come", async () => {
      await explained(await send("e.quick", { countdown: 7200 }), "eta", /countdown\. It is due in 1 h 59 min, at 20/);
      const unmet = await explained(await send("e.quick", { queue: "one", countdown: 7200 }), "eta");
      expect(first(unmet)).toMatch(/in 1 h 59 min, at 20/);
    });

    it("its rate has to wait", async () => {
      await send("e.rated");
      const why = await explained(await send("e.rated"), "rate-limit");
      expect(first(why)).toMatch(/one start every 1 h\. It is the next in line\. The next one may start in (59 min|1 h)/);
    });

    it("others have the places of its limit", async () => {
      const holder = await occupy("e.limited");
      const next = await send("e.limited", {}, holder.args);
      await explained(next, "concurrency-limit");
      const last = await explained(await send("e.limited", {}, holder.args), "concurrency-limit");
      expect(first(last)).toMatch(
        new RegExp(`allows 1 at a time\\. 1 stand before it in line\\. Its places are held by e\\.limited \\(${holder.id}\\) on wide@h`),
      );
      holder.release();
      await explained(next, "finished");
    });

    it("it is unique, and was not sent", async () => {
      const own = createApp({ name: "sender", broker, environment: false, folder: false });
      const args = [bench.file(), bench.file()];
      gates.push(args[1] as string);
      const unique = { unique: { key: "one" } } as SendOptions;
      const one = await own.send("e.unique", args, unique);
      const two = await own.send("e.unique", args, { ...unique, taskId: `mine-${kind}` });
      expect(two.duplicate).toBe(true);
      expect(first(await explained(`mine-${kind}`, "not-sent"))).toMatch(new RegExp(`it is unique, and task ${one.id} had its key`));
      await own.close();
    });

    it("it was revoked, or has expired, and nobody has taken it yet", async () => {
      const [revoked, expired] = [await send("e.quick", { queue: "nobody" }), await send("e.quick", { queue: "nobody", expires: 0.001 })];
      await app.revoke(revoked);
      const why = await explained(revoked, "revoked");
      expect(why.reasons.map(({ code }) => code)).toEqual(["revoked", "no-worker"]);
      expect(first(await explained(expired, "expired"))).toMatch(/It expired .* ago: the worker that takes it from nobody will refuse it/);
    });

    it("it was revoked, or has expired, and ended so", async () => {
      const revoked = await send("e.quick", { countdown: 3600 });
      await app.revoke(revoked);
      await explained(await send("e.quick", { expires: 0.000001 }), "expired", /expired.* before a worker could start it/);
      expect(first(await explained(revoked, "revoked"))).toContain("It was revoked");
    });

    it("all slots are taken, and others go before it", async () => {
      const holder = await occupy("e.hold", { queue: "one" });
      const next = await send("e.quick", { queue: "one", priority: 9 });
      const busy = await explained(next, "busy");
      expect(first(busy)).toMatch(new RegExp(`All 1 slot of one@h are taken; the longest by e\\.hold \\(${holder.id}\\), for `));
      for (let i = 0; i < 3; i += 1) await send("e.quick", { queue: "one" });
      const behind = await explained(next, "behind");
      expect(behind.reasons.map(({ code }) => code)).toEqual(["behind", "busy"]);
      expect(first(behind)).toMatch(/3 of the 4 that wait in one go before it, 3 of them more urgent\./);
      const last = await send("e.quick", { queue: "one", priority: 9 });
      expect(first(await explained(last, "behind"))).toMatch(/4 of the 5 .*, 3 of them more urgent/);
      holder.release();
      await explained(last, "finished");
      const again = await occupy("e.hold", { queue: "one" });
      await send("e.quick", { queue: "one" });
      // By now it is known how long such tasks take.
      expect(first(await explained(await send("e.quick", { queue: "one" }), "behind"))).toMatch(/it starts in about \d/);
      again.release();
    });

    it("its node's event loop is blocked", async () => {
      const blocker = await occupy("e.spin", { queue: "loop" });
      const why = await explained(await send("e.quick", { queue: "loop" }), "blocked");
      expect(first(why)).toMatch(new RegExp(`loop@h has free slots .* blocked by e\\.spin \\(${blocker.id}\\), which runs for \\d+ s`));
      blocker.release();
    });

    it("it waits to be tried again", async () => {
      const why = await explained(await send("e.retried"), "retry");
      expect(first(why)).toMatch(/It failed, and attempt 2 waits for its time\. It is due in (9|10) min/);
    });

    it("it was given up", async () => {
      const why = await explained(await send("e.given-up"), "dead-letter");
      expect(first(why)).toMatch(/is a dead letter: failed.*no such pot.*lovage dlq replay \d+-[0-9a-f]{16}/);
    });

    it("it runs, or has ended", async () => {
      const running = await occupy("e.hold");
      expect(first(await explained(running.id, "running"))).toMatch(/It runs on wide@h, since /);
      running.release();
      expect(first(await explained(running.id, "finished"))).toMatch(/It ended .* ago with SUCCESS/);
    });

    it("nobody has heard of it", async () => {
      expect(first(await explained("nobody-sent-this", "unknown"))).toMatch(/never sent to this store .* its result has expired/);
    });

    if (kind === "redis")
      it("a Python worker has it", async () => {
        const queue = `python-${kind}`;
        const id = await send("e.quick", { queue });
        const store = await app.store();
        const [message] = await store.broker.queues.page(queue, 0, 1);
        await store.broker.queues.rearrange([{ message: message as never }]);
        await takeAsPython(redis?.port ?? 0, Buffer.from(message?.bytes ?? "").toString());
        expect(first(await explained(id, "python"))).toMatch(
          /in the hands of a Python worker, since 1 min 4\d s: taken, and not acknowledged/,
        );
      });
  });
});

/** As kombu does (celery-wire.md §4.1), 100 s ago. */
async function takeAsPython(port: number, envelope: string): Promise<void> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  await client.connect();
  await client.zAdd("unacked_index", { score: Date.now() / 1000 - 100, value: "tag" });
  await client.hSet("unacked", "tag", JSON.stringify([JSON.parse(envelope), "", "python"]));
  await client.close();
}
