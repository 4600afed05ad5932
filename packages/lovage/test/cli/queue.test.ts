import { createApp, remoteTask } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Desk } from "./cli.ts";

interface Listed {
  readonly queues: readonly {
    readonly queue: string;
    readonly waiting: number;
    readonly parked: number;
    readonly paused: { readonly why: string } | null;
  }[];
}
interface Peeked {
  readonly messages: readonly { readonly place: number; readonly task: string; readonly taskId: string; readonly priority: number }[];
}

describe.each(["sqlite", "redis"] as const)("lovage queue on %s", (kind) => {
  describe.skipIf(kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined)("", () => {
    let redis: RedisServer | undefined;
    let desk: Desk;
    let app: ReturnType<typeof createApp>;
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis() : undefined;
      desk = new Desk(redis?.url);
      app = createApp({ name: "sender", broker: desk.broker, environment: false, folder: false });
    });
    afterAll(async () => {
      await app?.close();
      await desk?.close();
      await redis?.stop();
    });
    const idsIn = async (queue: string) =>
      (await desk.json<Peeked>("queue", "peek", queue, "--limit", "1000")).messages.map(({ taskId }) => taskId);

    // The command is a thin one: what is under it has the stores' own suite.
    if (kind === "redis")
      it("lists, peeks, counts, moves, removes", async () => {
        const a = await app.send("t.a", ["x"], { queue: "one" });
        const b = await app.send("t.b", [], { queue: "one", priority: 9 });
        const c = await app.send("t.a", [], { queue: "one" });
        const listed = await desk.run("queue", "list", "one");
        expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^QUEUE +WAITING[^\n]*\none +3 +0:2 9:1 +0 +0 +\d+ m?s/) });
        expect((await desk.json<Listed>("queue", "list")).queues).toContainEqual(
          expect.objectContaining({ queue: "one", waiting: 3, paused: null }),
        );
        expect(await idsIn("one")).toEqual([a.id, c.id, b.id]);
        const raw = await desk.run("queue", "peek", "one", "--raw", "--limit", "1");
        expect(JSON.parse(raw.stdout)).toMatchObject({ headers: { id: a.id }, properties: { delivery_info: { routing_key: "one" } } });
        expect((await desk.run("queue", "counts", "one")).stdout).toBe("TASK  WAITING\nt.a         2\nt.b         1\n");
        expect(await desk.run("queue", "move", "one", "two", "--id", c.id)).toMatchObject({
          code: 0,
          stdout: "Moved 1 message from one to two.\n",
        });
        expect(await desk.run("queue", "move", "one", "two", "--id", c.id)).toMatchObject({ code: 1 });
        expect(await desk.run("queue", "remove", "one", "--id", a.id, "--force")).toMatchObject({
          code: 0,
          stdout: "Removed 1 message from one.\n",
        });
        expect(await desk.run("queue", "remove", "one", "--id", a.id, "--force")).toMatchObject({ code: 1 });
        expect([await idsIn("one"), await idsIn("two")]).toEqual([[b.id], [c.id]]);
        expect(await desk.run("queue", "remove", "one", "--force")).toMatchObject({ code: 64, stderr: expect.stringContaining("--place") });
        expect(await desk.run("queue", "drown", "one")).toMatchObject({ code: 64, stderr: expect.stringContaining("peek") });
      });

    it("loses and doubles nothing when the one that moves is killed", { timeout: 60_000 }, async () => {
      const sent: string[] = [];
      const calls = Array.from({ length: 1000 }, (_, i) => [i] as const);
      for (let i = 0; i < 5; i += 1)
        sent.push(...(await app.sendMany(remoteTask<readonly [n: number]>("t.m"), calls, { queue: "from" })).map(({ id }) => id));
      const store = await app.store();
      const depths = () => store.broker.queues.depth(["from", "to"]);
      for (const moved of [1, 1500, 3000]) {
        const mover = desk.start(["queue", "move", "from", "to"]);
        await waitFor("some to be moved", async () => ((await depths())[1] ?? 0) >= moved, 20_000);
        mover.child.kill("SIGKILL");
        await mover.ended;
        expect((await depths()).reduce((sum, depth) => sum + depth, 0)).toBe(sent.length);
      }
      await desk.run("queue", "move", "from", "to");
      const found = (await store.broker.queues.page("to", 0, 10_000)).map(
        ({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)).headers.id,
      );
      expect(found).toEqual(sent);
    });
  });
});
