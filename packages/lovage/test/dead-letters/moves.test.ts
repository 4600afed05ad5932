import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { open as openRedis } from "../../src/store/redis/index.ts";
import { open as openSqlite } from "../../src/store/sqlite/index.ts";
import { defaultStoreOptions, type Store } from "../../src/store/store.ts";
import { startRedis } from "../../src/testing/redis-server.ts";
import { redisCommand } from "../bad-input/place.ts";

const mover = new URL("fixtures/mover.mjs", import.meta.url).pathname;
const options = { ...defaultStoreOptions, deadlineMs: 10_000, clock: systemClock, onFault: () => {} };
const messages = Array.from({ length: 30 }, (_, i) => `m${i}`);
const kills = 12;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

class Movers {
  moved = 0;
  readonly epochs: string[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #kind: string;
  readonly #url: string;
  #started = 0;

  constructor(kind: string, url: string) {
    this.#kind = kind;
    this.#url = url;
  }

  start(): void {
    this.#started += 1;
    const child = fork(mover, [this.#kind, this.#url, `mover-${this.#started}`], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    child.on("message", ({ epoch, moved }: { epoch?: string; moved?: string }) => {
      if (epoch) this.epochs.push(epoch);
      if (moved) this.moved += 1;
    });
    this.#children.add(child);
  }

  async killOne(): Promise<void> {
    const [child] = this.#children;
    if (!child) return;
    this.#children.delete(child);
    const gone = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
    child.kill("SIGKILL");
    await gone;
  }

  async killAll(): Promise<void> {
    while (this.#children.size > 0) await this.killOne();
  }
}

async function placeFor(kind: string): Promise<{ url: string; disturb: () => Promise<unknown> }> {
  if (kind === "redis") {
    const redis = await startRedis();
    ends.push(() => redis.stop());
    // Connections break under the calls of those that live: replies are lost, and calls are made again.
    return { url: redis.url, disturb: () => redisCommand(redis.url, ["CLIENT", "KILL", "TYPE", "normal"]).catch(() => undefined) };
  }
  const folder = mkdtempSync(join(tmpdir(), "lovage-moves-"));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  return { url: `sqlite://${folder}/store.db`, disturb: async () => undefined };
}

const stores = ["sqlite", ...(process.env.LOVAGE_SKIP_REDIS === undefined ? ["redis"] : [])];
it.each(stores)("a message is in exactly one place, whenever those who move it are killed, on %s", { timeout: 60_000 }, async (kind) => {
  const { url, disturb } = await placeFor(kind);
  const store: Store = await (kind === "redis" ? openRedis : openSqlite)(url, options);
  ends.push(() => store.close());
  await store.broker.publish({ messages: messages.map((taskId) => ({ taskId, queue: "q", priority: 0, bytes: taskId })) });
  const movers = new Movers(kind, url);
  ends.push(() => movers.killAll());
  for (let i = 0; i < 3; i++) movers.start();
  for (let kill = 0; kill < kills; kill++) {
    const before = movers.moved;
    // So that every life does some work; the random moment after it is the subject of this test.
    await expect.poll(() => movers.moved, { timeout: 10_000 }).toBeGreaterThan(before);
    await sleep(Math.random() * 40);
    await disturb();
    await movers.killOne();
    movers.start();
  }
  await movers.killAll();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const waiting = (await store.broker.queues.peek("q", 1000)).map(text);
  const dead = (await store.deadLetters.list(1000)).map(({ bytes }) => text(bytes));
  const flight = (await Promise.all(movers.epochs.map((epoch) => store.leases.held(epoch)))).flat().map(({ bytes }) => text(bytes));
  expect([...waiting, ...dead, ...flight].sort()).toEqual([...messages].sort());
  expect((await store.deadLetters.counts()).reduce((sum, { count }) => sum + count, 0)).toBe(dead.length);
  expect(await store.deadLetters.count()).toBe(dead.length);
  expect(movers.moved).toBeGreaterThan(kills);
});
