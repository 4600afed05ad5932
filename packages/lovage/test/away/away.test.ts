/** What is sent while the broker is away, where `publishFallback` says that it is not to be an error. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type App, type AppOptions, chord, createApp, defineTask, group } from "lovage";
import { inlineFallback } from "lovage/worker";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bareEnvironment, runCli } from "../bad-input/cli.ts";
import { Place, redisCommand, skips } from "../bad-input/place.ts";
import { waitFor } from "../worker/wait-for.ts";

const senderModule = fileURLToPath(new URL("./fixtures/sender.mjs", import.meta.url));

describe.skipIf(skips("redis"))("while the broker is away", () => {
  let place: Place;
  let spool = "";
  const apps: App[] = [];
  beforeEach(async () => {
    place = await Place.open("redis", { redis: { appendOnly: true } });
    spool = `sqlite:${join(place.folder, "spool.db")}`;
  });
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    await place.close();
  });

  function web(options: AppOptions = {}): { readonly app: App; readonly faults: unknown[] } {
    const faults: unknown[] = [];
    const onFault = (fault: unknown) => void faults.push(fault);
    const common = { name: "web", broker: place.broker, spool, deadlineMs: 300, environment: false, folder: false, onFault } as const;
    const app = createApp({ ...common, publishFallback: "spool", ...options });
    apps.push(app);
    return { app, faults };
  }

  function sender(from: number, to: number): { readonly child: ChildProcess; readonly said: () => readonly number[] } {
    const env = { ...bareEnvironment(), REDIS_URL: place.broker, LOVAGE_SPOOL: spool };
    const child = spawn(process.execPath, [senderModule, String(from), String(to)], { env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
    });
    return { child, said: () => text.split("\n").slice(0, -1).map(Number) };
  }

  /** The first argument of each waiting message, the next one out first. */
  async function waiting(): Promise<readonly number[]> {
    const all = await (await place.app.store()).broker.queues.peek("celery", 10_000);
    return all.map((bytes) => {
      const { body } = JSON.parse(Buffer.from(bytes).toString()) as { readonly body: string };
      return (JSON.parse(Buffer.from(body, "base64").toString()) as [[number]])[0][0];
    });
  }

  it("keeps 500 sends over a kill -9 of the sender, and sends each once, in order", { timeout: 60_000 }, async () => {
    await place.redis?.down();
    const first = sender(0, 400);
    await waitFor("200 accepted sends", () => first.said().length >= 200, 20_000);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const accepted = first.said();
    const second = sender(400, 700);
    const [code] = await once(second.child, "exit");
    expect([code, second.said().length]).toEqual([0, 300]);
    expect((await web().app.spool?.status())?.waiting).toBeGreaterThanOrEqual(accepted.length + 300);

    await place.redis?.restart();
    const env = { REDIS_URL: place.broker, LOVAGE_SPOOL: spool, LOVAGE_PUBLISH_FALLBACK: "spool" };
    const replayed = await runCli(["spool", "--replay", "--json"], { cwd: place.folder, env });
    expect(JSON.parse(replayed.stdout), replayed.stderr).toMatchObject({ waiting: 0, oldest: null, refused: 0 });
    const arrived = await waiting();
    // At most one was kept and not yet said when its sender was killed.
    const unsaid = arrived.filter((n) => n < 400).slice(accepted.length);
    expect(unsaid.length).toBeLessThanOrEqual(1);
    expect(arrived).toEqual([...accepted, ...unsaid, ...second.said()]);
  });

  it("sends once what a frozen broker may have taken already", { timeout: 30_000 }, async () => {
    const { app } = web();
    await app.send("bad.echo", [0]);
    place.redis?.pause();
    for (const n of [1, 2, 3]) await app.send("bad.echo", [n]);
    place.redis?.resume();
    await app.spool?.replay();
    await app.send("bad.echo", [4]);
    expect(await waiting()).toEqual([0, 1, 2, 3, 4]);
  });

  it("is replayed by several processes at once without doubles, and delays count from the send", { timeout: 30_000 }, async () => {
    const one = web();
    await place.redis?.down();
    await Promise.all(Array.from({ length: 50 }, (_, n) => one.app.send("bad.echo", [n])));
    for (let n = 50; n < 100; n += 1) await one.app.send("bad.echo", [n]);
    expect(one.faults).toContainEqual(expect.objectContaining({ code: "LOVAGE_SPOOLING" }));
    const others = [web(), web()];
    await place.redis?.restart();
    await Promise.all([one, ...others].map(({ app }) => app.spool?.replay()));
    expect(await waiting()).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  it("is told to machines in plain JSON, and counted once where two send it", { timeout: 60_000 }, async () => {
    const env = { REDIS_URL: place.broker, LOVAGE_SPOOL: spool, LOVAGE_PUBLISH_FALLBACK: "spool" };
    const told = async (...flags: string[]) => JSON.parse((await runCli(["spool", "--json", ...flags], { cwd: place.folder, env })).stdout);
    const { app } = web();
    await place.redis?.down();
    for (let n = 0; n < 200; n += 1) await app.send("bad.echo", [n]);
    const before = await told();
    expect(before).toEqual({ waiting: 200, oldest: expect.stringMatching(/^\d{4}-\d\d-\d\dT\S+Z$/), refused: 0, replayed: 0 });
    await place.redis?.restart();
    const both = await Promise.all([told("--replay"), told("--replay")]);
    await app.spool?.replay();
    expect(both.map(({ waiting }) => waiting)).toEqual([0, 0]);
    expect(both[0].replayed + both[1].replayed + (app.spool?.replayed ?? 0)).toBe(200);
    expect(await waiting()).toHaveLength(200);
  });

  it("gives results as ever once the broker is back", { timeout: 30_000 }, async () => {
    const { app } = web();
    await place.redis?.down();
    const result = await app.send("bad.echo", ["kept"]);
    await place.redis?.restart();
    await place.node({ pool: "async" });
    expect(await result.get({ timeoutMs: 15_000 })).toBe("kept");
  });

  it("puts aside what the broker will never take, and goes on", async () => {
    const { app, faults } = web();
    // Before it is away: a spool replays by itself as soon as it is back.
    await redisCommand(place.broker, ["SET", "spoilt", "no list"]);
    await place.redis?.down();
    await app.send("bad.echo", [1], { queue: "spoilt" });
    await app.send("bad.echo", [2]);
    await place.redis?.restart();
    await app.spool?.replay();
    expect(await waiting()).toEqual([2]);
    expect(await app.spool?.status()).toEqual({ waiting: 0, oldest: null, refused: 1 });
    expect(faults).toContainEqual(expect.objectContaining({ code: "LOVAGE_SPOOL_REFUSED" }));
  });

  it("says so where the disk of the spool is no better", async () => {
    const { app } = web({ spool: `sqlite:${join(place.folder, "no", "such", "folder", "spool.db")}` });
    await expect(app.send("bad.echo", [1])).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) });
  });

  describe("inline", () => {
    const where = defineTask("away.where", async (n: number) => [n, process.pid] as const);
    const sum = defineTask("away.sum", async (parts: readonly (readonly [number, number])[]) => parts.reduce((all, [n]) => all + n, 0));
    const tasks = [where, sum];

    it("runs what is sent in this process, canvases and queues of any name too, until the broker is back", {
      timeout: 30_000,
    }, async () => {
      const { app } = web({ tasks, publishFallback: inlineFallback({ concurrency: 2 }), routes: { "away.sum": "elsewhere" } });
      await place.redis?.down();
      const [one, total] = await Promise.all([
        app.send(where, [1], { queue: "gpu" }),
        app.send(chord(group(where.s(2), where.s(3)), sum.s())),
      ]);
      expect(await one.get({ timeoutMs: 10_000 })).toEqual([1, process.pid]);
      expect(await total.get({ timeoutMs: 10_000 })).toBe(5);
      await expect(app.send("of.python", [])).rejects.toMatchObject({ code: "LOVAGE_BROKER_UNAVAILABLE" });
      // Bound to one app still.
      expect(await (await where.delay(4)).get({ timeoutMs: 10_000 })).toEqual([4, process.pid]);
      await place.redis?.restart();
      await waitFor(
        "a send that goes to the broker",
        async () => {
          await app.send(where, [9]);
          return (await waiting().catch(() => [])).length > 0;
        },
        15_000,
      );
    });

    it("does not run what the broker may have taken", { timeout: 30_000 }, async () => {
      const { app } = web({ tasks, publishFallback: inlineFallback() });
      await app.send(where, [0]);
      place.redis?.pause();
      await expect(app.send(where, [1])).rejects.toMatchObject({ code: "LOVAGE_BROKER_UNAVAILABLE", details: { maybeAccepted: true } });
      place.redis?.resume();
    });

    it("has to be said in code", () => {
      const environment = { LOVAGE_PUBLISH_FALLBACK: "inline" };
      expect(() => createApp({ environment, folder: false })).toThrow(/inlineFallback\(\)/);
    });
  });
});
