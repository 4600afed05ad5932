import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { loadDriver } from "../../src/store/sqlite/driver.ts";
import { open } from "../../src/store/sqlite/index.ts";
import { defaultStoreOptions } from "../../src/store/store.ts";

const kills = 60;
const actor = new URL("fixtures/actor.mjs", import.meta.url).pathname;

type Role = "produce" | "run" | "reap";
interface Told {
  readonly accepted?: string;
  readonly fault?: string;
}

/** Keeps one process of each kind named alive, and kills what it is told to. */
class Cast {
  readonly accepted: string[] = [];
  readonly faults: string[] = [];
  readonly #url: string;
  readonly #children = new Map<ChildProcess, Role>();
  #started = 0;

  constructor(url: string) {
    this.#url = url;
  }

  start(role: Role): void {
    this.#started += 1;
    const child = fork(actor, [role, this.#url, `${role}-${this.#started}`], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    child.on("message", (told: Told) => {
      if (told.accepted) this.accepted.push(told.accepted);
      if (told.fault) this.faults.push(told.fault);
    });
    child.stderr?.on("data", (chunk) => this.faults.push(`${role}: ${String(chunk)}`));
    this.#children.set(child, role);
  }

  async killOne(): Promise<void> {
    const victims = [...this.#children];
    const [child, role] = victims[Math.floor(Math.random() * victims.length)] as [ChildProcess, Role];
    await this.#kill(child);
    this.start(role);
  }

  async killAll(role?: Role): Promise<void> {
    for (const [child, its] of [...this.#children]) if (!role || role === its) await this.#kill(child);
  }

  async #kill(child: ChildProcess): Promise<void> {
    this.#children.delete(child);
    if (child.exitCode !== null) return; // it crashed by itself; why, its stderr said
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}

let cast: Cast | undefined;
let folder = "";
afterEach(async () => {
  await cast?.killAll();
  await rm(folder, { recursive: true, force: true });
});

it("loses nothing, does nothing twice and leaves nothing behind when any process is killed at any moment", async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-kill-"));
  const url = `sqlite://${folder}/kill.db`;
  cast = new Cast(url);
  for (const role of ["produce", "run", "run", "run", "reap"] as const) cast.start(role);
  for (let kill = 0; kill < kills; kill += 1) {
    // The random moment of the kill is the subject of this test; nothing is waited for.
    await sleep(20 + Math.random() * 160);
    await cast.killOne();
  }
  await cast.killAll("produce");
  const store = await open(url, { ...defaultStoreOptions, deadlineMs: 10_000, clock: systemClock, onFault: () => {} });
  const wanted = cast.accepted.flatMap((group) => ["0", "1", "2", "body"].map((part) => `${group}/${part}`));
  expect(wanted.length).toBeGreaterThan(100);

  const isDone = async () => {
    const [left] = await store.broker.queues.depth(["q"]);
    const { nextDueMs } = await store.leases.promote(0);
    const loaded = await store.results.load(wanted);
    return left === 0 && nextDueMs === null && loaded.every((found) => found !== undefined);
  };
  const deadline = performance.now() + 20_000;
  while (!(await isDone())) {
    expect(performance.now(), `not done after 20 s; faults: ${cast.faults.join("\n")}`).toBeLessThan(deadline);
    await sleep(20);
  }
  await cast.killAll("run");
  await expect.poll(async () => (await store.leases.fleet()).nodes.length, { timeout: 5_000 }).toBe(0);
  await cast.killAll("reap");
  expect((await store.leases.fleet()).orphans).toEqual([]);
  const counters = await store.counters();
  await store.close();

  const driver = (await loadDriver())(join(folder, "kill.db"));
  const count = (text: string) => Number(driver.prepare(text).get([])?.n);
  expect(count("SELECT count(*) AS n FROM messages")).toBe(0);
  // Every message took effect exactly once: as many counted commits as results, and no chord without its body.
  expect(counters["t|SUCCESS"]).toBe(count("SELECT count(*) AS n FROM results"));
  expect(count("SELECT count(*) AS n FROM results WHERE id LIKE '%/body'") * 4).toBe(count("SELECT count(*) AS n FROM results"));
  expect(count("SELECT count(*) AS n FROM chords") + count("SELECT count(*) AS n FROM chord_parts")).toBe(0);
  expect(driver.prepare("PRAGMA integrity_check").get([])?.integrity_check).toBe("ok");
  driver.close();
  expect(cast.faults).toEqual([]);
});
