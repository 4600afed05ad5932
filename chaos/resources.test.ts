// What is missing instead of broken: memory, room on the disk, a clock that can be trusted.
import { account, FakeTime, leavesOut, limitFileSize, MemoryCgroup, readJournal, SmallDisk, type WorkerProcess } from "lovage/testing";
import { expect, it } from "vitest";
import { waitFor } from "../interop/support/wait-for.ts";
import { hog, step } from "./app.ts";
import { calm, type NodePlan, type Plan } from "./plan.ts";
import { Site } from "./site.ts";

const withoutRedis = process.env.LOVAGE_SKIP_REDIS !== undefined;
const planOf = (store: Plan["store"], ...nodes: readonly NodePlan[]): Plan => ({ ...calm, store, nodes });

async function withSite(
  plan: Plan,
  redisArgs: readonly string[],
  body: (site: Site, worker: WorkerProcess) => Promise<void>,
): Promise<void> {
  const site = await Site.open(plan, redisArgs);
  try {
    await site.start();
    await body(site, site.workers[0] as WorkerProcess);
  } finally {
    await site.close();
  }
}

const callsOf = (labels: readonly string[], ms: number) => labels.map((label): [string, number] => [label, ms]);
const labelsOf = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

/** Each has its result, and each ran once. */
async function expectOnce(
  site: Site,
  labels: readonly string[],
  results: readonly { get(options: { timeoutMs: number }): Promise<string> }[],
) {
  const said = () => site.workers.map(({ output }) => output).join("\n");
  const tokens = await Promise.all(results.map((result) => result.get({ timeoutMs: 40_000 }))).catch((error: Error) => {
    throw new Error(`${error.message}\n${said()}`);
  });
  const effective = (label: string) => tokens[labels.indexOf(label)];
  const judged = account({ labels, runs: readJournal(site.journal), faults: [], effective });
  expect(judged, said()).toMatchObject({ tasks: labels.length, once: labels.length, findings: [] });
}

it.skipIf(leavesOut("out of memory", MemoryCgroup.refusal()))(
  "ends a task that the kernel kills for its memory as poison, with that cause, and its neighbours go on",
  async () => {
    const plan = planOf("sqlite", { name: "small", args: ["-P", "processes", "-c", "2"], env: { CHAOS_MAX_DELIVERIES: "2" } });
    // Room for the node and for runners that start again, none for the hog.
    const group = new MemoryCgroup(700 * 2 ** 20);
    try {
      await withSite(plan, [], async (site, worker) => {
        for (const pid of [worker.pid, ...worker.runnerPids]) group.add(pid);
        const labels = labelsOf("neighbour", 20);
        const doomed = await site.sender.send(hog, []);
        const results = await site.sender.sendMany(step, callsOf(labels, 50));
        const end = await doomed.get({ timeoutMs: 30_000 }).catch((error: Error) => error);
        expect(end, worker.output).toMatchObject({ name: "WorkerLostError" });
        const [letter] = await (await site.sender.store()).deadLetters.list(10);
        expect(letter, worker.output).toMatchObject({ reason: "poison", detail: expect.stringContaining("out of memory") });
        await Promise.all(results.map((result) => result.get({ timeoutMs: 30_000 })));
        expect(worker.ready).toBe(true);
      });
    } finally {
      await group.close();
    }
  },
);

it.skipIf(withoutRedis || leavesOut("a full disk", SmallDisk.refusal())).each(["always", "everysec"])(
  "keeps what Redis cannot write (appendfsync %s) until there is room again",
  async (appendfsync) => {
    const disk = new SmallDisk(24);
    const plan = planOf("redis", { name: "node", args: ["-P", "async", "-c", "20"] });
    try {
      await withSite(plan, ["--dir", disk.folder, "--appendfsync", appendfsync], async (site) => {
        const labels = labelsOf("task", 40);
        const results = await site.sender.sendMany(step, callsOf(labels, 1000));
        await waitFor("twenty runs", () => readJournal(site.journal).length >= 20);
        disk.fill();
        // Their ends come while nothing can be written; with `always` the server gives up and ends.
        await waitFor("their ends", () => readJournal(site.journal).filter(({ endedAtMs }) => endedAtMs !== undefined).length >= 20);
        await disk.free();
        if (appendfsync === "always") await site.redis?.restart();
        await expectOnce(site, labels, results);
      });
    } finally {
      disk.unmount();
    }
  },
);

it("keeps outcomes that do not fit into the SQLite file until it may grow again", async () => {
  const plan = planOf("sqlite", { name: "node", args: ["-P", "async", "-c", "10"] });
  await withSite(plan, [], async (site, worker) => {
    const labels = labelsOf("task", 20);
    const results = await site.sender.sendMany(step, callsOf(labels, 1000));
    await waitFor("ten runs", () => readJournal(site.journal).length >= 10);
    for (const pid of [worker.pid, ...worker.runnerPids]) limitFileSize(pid, 4096);
    await waitFor("their ends", () => readJournal(site.journal).filter(({ endedAtMs }) => endedAtMs !== undefined).length >= 10);
    await waitFor("the node to notice", () => worker.output.includes("runner.store-down"));
    for (const pid of [worker.pid, ...worker.runnerPids]) limitFileSize(pid, null);
    await expectOnce(site, labels, results);
  });
});

it.skipIf(withoutRedis || leavesOut("clock steps", FakeTime.refusal()))(
  "starts nothing early, late or twice, and lets nothing expire, while the clock of a node jumps by hours",
  async () => {
    const time = new FakeTime();
    const plan = planOf(
      "redis",
      { name: "jumpy", args: ["-P", "async", "-c", "20"], env: time.env },
      { name: "steady", args: ["-P", "async", "-c", "2"] },
    );
    try {
      await withSite(plan, [], async (site) => {
        const hour = 3600;
        const begun = Date.now();
        const later = labelsOf("later", 20);
        const now = labelsOf("now", 40);
        time.step(-2 * hour);
        const waiting = await site.sender.sendMany(step, callsOf(later, 50), { countdown: 3 });
        time.step(2 * hour);
        const running = await site.sender.sendMany(step, callsOf(now, 200), { expires: 60 });
        await waitFor("some runs", () => readJournal(site.journal).length >= 5);
        time.step(-hour);
        await Promise.all(running.map((result) => result.get({ timeoutMs: 20_000 })));
        expect(Date.now() - begun).toBeLessThan(60_000);
        const early = readJournal(site.journal).filter(({ label }) => label.startsWith("later"));
        if (Date.now() - begun < 3000) expect(early).toEqual([]);
        await Promise.all(waiting.map((result) => result.get({ timeoutMs: 20_000 })));
        expect(Date.now() - begun).toBeGreaterThan(3000);
        expect(Date.now() - begun).toBeLessThan(20_000);
        await expectOnce(site, [...later, ...now], [...waiting, ...running]);
      });
    } finally {
      time.close();
    }
  },
);
