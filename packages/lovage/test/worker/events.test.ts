import { createClient } from "@redis/client";
import type { ReceivedEvent } from "lovage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Place, skips } from "../bad-input/place.ts";
import { appModule, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

let place: Place;
const ears: AbortController[] = [];
afterEach(async () => {
  for (const ear of ears.splice(0)) ear.abort();
  await place.close();
});

/** What is heard from now on; resolves when `node` has answered that it is there, if one is named. */
async function listen(node?: WorkerNode): Promise<ReceivedEvent[]> {
  const ear = new AbortController();
  ears.push(ear);
  const heard: ReceivedEvent[] = [];
  const reading = (async () => {
    for await (const event of place.app.events.capture({ signal: ear.signal })) heard.push(event);
  })();
  reading.catch((error: unknown) => ear.abort(error));
  if (node !== undefined)
    await waitFor(
      "an answer",
      () => heard.some(({ type, hostname, freq }) => type === "worker-heartbeat" && hostname === node.name && freq === 5),
      20_000,
    );
  return heard;
}
const of = (heard: readonly ReceivedEvent[], uuid: string) => heard.filter((event) => event.uuid === uuid);
const typesOf = (heard: readonly ReceivedEvent[], uuid: string) => of(heard, uuid).map(({ type }) => type.slice("task-".length));
const told = (heard: readonly ReceivedEvent[], uuid: string, ...types: readonly string[]) =>
  waitFor(`${types} of ${uuid}: ${typesOf(heard, uuid)}`, () => typesOf(heard, uuid).length >= types.length, 20_000)
    .catch(() => undefined)
    .then(() => expect(typesOf(heard, uuid)).toEqual(types));
const node = (options = {}) => place.node({ app: appModule, pool: "processes", concurrency: 2, taskEvents: true, ...options });

describe.each(["redis", "sqlite"] as const)("events on %s", (kind) => {
  beforeEach(async (context) => {
    if (skips(kind)) context.skip();
    place = await Place.open(kind);
  });

  it("tell what becomes of tasks, also where a runner cannot say it", { timeout: 60_000 }, async () => {
    const worker = await node();
    const heard = await listen(worker);
    const send = (name: string, args: readonly unknown[]) => place.app.send(name, args);
    const [added, failed, limited, killed] = await Promise.all([
      send("t.add", [1, 2]),
      send("t.fail", ["no"]),
      send("t.shortLoop", [place.file()]),
      send("t.quiet", []),
    ]);
    await told(heard, added.id, "received", "started", "succeeded");
    await told(heard, failed.id, "received", "started", "failed");
    await told(heard, limited.id, "received", "started", "failed");
    expect(of(heard, added.id)[0]).toMatchObject({ name: "t.add", args: "(1, 2)", kwargs: "{}", hostname: worker.name, retries: 0 });
    expect(of(heard, added.id)[2]).toMatchObject({ result: "3", runtime: expect.any(Number) });
    expect(of(heard, failed.id)[2]).toMatchObject({ exception: "TypeError('no')", traceback: expect.stringContaining("TypeError: no") });
    expect(of(heard, limited.id)[2]).toMatchObject({ exception: "TimeLimitExceeded(1)" });
    for (const { id } of [added, failed, limited]) {
      const clocks = of(heard, id).map(({ clock }) => clock);
      expect(clocks).toEqual([...clocks].sort((a, b) => a - b));
    }
    const revoked = await send("t.span", [place.file(), place.file()]);
    await told(heard, revoked.id, "received", "started");
    await place.app.revoke(revoked.id, { terminate: true, killAfterMs: 100 });
    await told(heard, revoked.id, "received", "started", "revoked");
    expect(of(heard, revoked.id)[2]).toMatchObject({ terminated: true, expired: false });
    await killed.get({ timeoutMs: 20_000 });
    expect(typesOf(heard, killed.id)).toEqual([]);
  });

  it("tell that a node is there, what it is at, and that it goes", { timeout: 60_000 }, async () => {
    const heard = await listen();
    const [worker] = await Promise.all([node({ taskEvents: false }), node({ name: "silent@h", heartbeats: false, queues: ["other"] })]);
    const own = (type: string) => heard.filter((event) => event.hostname === worker.name && event.type === `worker-${type}`);
    await waitFor("online", () => own("online").length === 1, 20_000);
    await (await place.app.send("t.add", [1, 2])).get({ timeoutMs: 20_000 });
    const running = await place.app.send("t.span", [place.file(), place.file()]);
    await waitFor("a heartbeat", () => own("heartbeat").find(({ active }) => active === 1), 20_000);
    await place.app.revoke(running.id, { terminate: true, killAfterMs: 100 });
    const beat = await waitFor(
      "another",
      () => own("heartbeat").find(({ active, processed }) => active === 0 && Number(processed) > 0),
      20_000,
    );
    expect(beat).toMatchObject({
      freq: 2,
      loadavg: [expect.any(Number), expect.any(Number), expect.any(Number)],
      sw_ident: "lovage",
      pid: worker.pid,
    });
    worker.child.kill("SIGTERM");
    await waitFor("offline", () => own("offline").length === 1, 20_000);
    expect(heard.filter(({ type }) => type.startsWith("task-"))).toEqual([]);
    expect(heard.filter(({ hostname, freq }) => hostname === "silent@h" && freq !== 5)).toEqual([]);
  });

  it("of tasks begin and end when a node is told so", { timeout: 60_000 }, async () => {
    const worker = await node({ taskEvents: false, pool: "async" });
    const heard = await listen(worker);
    const add = async () => {
      const sent = await place.app.send("t.add", [1, 1]);
      await sent.get({ timeoutMs: 20_000 });
      return sent.id;
    };
    const before = await add();
    expect(await place.app.control.enableEvents({ timeoutMs: 10_000, limit: 1 })).toEqual({ [worker.name]: { ok: "task events enabled" } });
    const between = await add();
    await told(heard, between, "received", "started", "succeeded");
    expect(await place.app.control.disableEvents({ timeoutMs: 10_000, limit: 1 })).toEqual({
      [worker.name]: { ok: "task events disabled" },
    });
    const after = await add();
    // A caller may hear of an end before the runner does, which says so if it is to by then.
    expect(typesOf(heard, before).filter((type) => type !== "succeeded")).toEqual([]);
    expect(typesOf(heard, after)).toEqual([]);
  });
});

describe.skipIf(skips("redis"))("a listener", () => {
  beforeEach(async () => {
    place = await Place.open("redis", { redis: { appendOnly: true } });
  });

  it("that comes late misses nothing from a node's answer on, of a runner whose loop was blocked either", { timeout: 60_000 }, async () => {
    const worker = await node({ pool: "processes", concurrency: 1 });
    const file = place.file();
    const blocking = await place.app.send("t.block", [file, 4000]);
    await waitFor("the loop to be blocked", () => place.lines(file).length > 0, 20_000);
    const heard = await listen(worker);
    expect(place.lines(file), "the loop is still blocked").toHaveLength(1);
    await told(heard, blocking.id, "succeeded");
  });

  it("is what a node waits for: nothing is said of tasks while there is none", { timeout: 60_000 }, async () => {
    await node({ pool: "async" });
    const said: string[] = [];
    const redis = await createClient({ url: place.broker }).connect();
    await redis.monitor((line) => void (/"PUBLISH"[^{]*task\.multi/i.test(line) && said.push(line)));
    const results = await Promise.all(Array.from({ length: 50 }, () => place.app.send("t.add", [1, 2])));
    await Promise.all(results.map((result) => result.get({ timeoutMs: 20_000 })));
    await waitFor("two probes", () => said.length >= 2, 20_000);
    redis.destroy();
    const empty = Buffer.from("[]").toString("base64");
    for (const line of said) expect(line).toContain(`\\"body\\": \\"${empty}\\"`);
  });

  it("hears all nodes again after Redis was started anew", { timeout: 90_000 }, async () => {
    const worker = await node({ pool: "async" });
    const heard = await listen(worker);
    process.kill(place.redis?.pid ?? 0, "SIGKILL");
    await place.redis?.restart();
    // The call for heartbeats after the restart may come before the node listens again; its next beat finds the listener.
    await waitFor(
      "word of a task after the restart",
      async () => {
        const sent = await place.app.send("t.add", [1, 2]).catch(() => undefined);
        await sent?.get({ timeoutMs: 20_000 }).catch(() => undefined);
        return sent !== undefined && heard.some(({ uuid }) => uuid === sent.id);
      },
      60_000,
    );
    const { id } = await place.app.send("t.add", [1, 2]);
    await told(heard, id, "received", "started", "succeeded");
  });
});
