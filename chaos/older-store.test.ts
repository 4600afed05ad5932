// A Redis that keeps less than it acknowledged: it comes back as it was some time ago, or empty. What it has forgotten is gone;
// what it still knows is not stuck, and runs again at most once.
import { account, type JournaledRun, readJournal, sharedNowMs } from "lovage/testing";
import { expect, it } from "vitest";
import { RedisLine } from "../interop/kills/redis-line.ts";
import { waitFor } from "../interop/support/wait-for.ts";
import { step } from "./app.ts";
import { calm } from "./plan.ts";
import { Site } from "./site.ts";

const plan = { ...calm, store: "redis", nodes: [{ name: "node", args: ["-P", "async", "-c", "20"] }] } as const;
const labelsOf = (prefix: string) => Array.from({ length: 20 }, (_, i) => `${prefix}-${i}`);
const runsOf = (site: Site, prefix: string): readonly JournaledRun[] =>
  readJournal(site.journal).filter(({ label }) => label.startsWith(prefix));

async function send(site: Site, prefix: string, ms: number) {
  const labels = labelsOf(prefix);
  const results = await site.sender.sendMany(
    step,
    labels.map((label): [string, number] => [label, ms]),
  );
  return { labels, results };
}

async function withSite(body: (site: Site, line: RedisLine) => Promise<void>): Promise<void> {
  const site = await Site.open(plan, ["--appendonly", "no"]);
  const line = await RedisLine.open(site.redis?.url ?? "");
  try {
    await site.start();
    await body(site, line);
  } finally {
    line.close();
    await site.close();
  }
}

async function killAndRestart(site: Site): Promise<void> {
  process.kill(site.redis?.pid ?? 0, "SIGKILL");
  await site.redis?.restart();
}

/** What comes later is done as ever, once. */
async function expectServing(site: Site): Promise<void> {
  const { labels, results } = await send(site, "later", 10);
  const tokens = await Promise.all(results.map((result) => result.get({ timeoutMs: 30_000 }))).catch((error: Error) => {
    throw new Error(`${error.message}\n${site.workers[0]?.output}`);
  });
  const effective = (label: string) => tokens[labels.indexOf(label)];
  expect(account({ labels, runs: runsOf(site, "later"), faults: [], effective })).toMatchObject({ once: 20, findings: [] });
  const store = await site.sender.store();
  expect(await store.broker.queues.depth(["celery"])).toEqual([0]);
  expect((await store.leases.fleet()).orphans).toEqual([]);
}

it.skipIf(process.env.LOVAGE_SKIP_REDIS)("finishes what a Redis still holds that comes back as it was before the outcomes", async () => {
  await withSite(async (site, line) => {
    const { results } = await send(site, "before", 1000);
    await waitFor("twenty runs", () => runsOf(site, "before").length === 20);
    expect(await line.command("SAVE")).toBe("+OK");
    const savedAtMs = sharedNowMs();
    await Promise.all(results.map((result) => result.get({ timeoutMs: 20_000 })));
    await killAndRestart(site);
    await Promise.all(results.map((result) => site.sender.result(result.id).get({ timeoutMs: 30_000 })));
    await expectServing(site);
    // Their outcomes are told again from memory: no code ran twice.
    expect(runsOf(site, "before").filter(({ startedAtMs }) => startedAtMs > savedAtMs)).toEqual([]);
  });
});

it.skipIf(process.env.LOVAGE_SKIP_REDIS)("goes on by itself with a Redis that comes back empty", async () => {
  await withSite(async (site) => {
    await send(site, "before", 1000);
    await waitFor("twenty runs", () => runsOf(site, "before").length === 20);
    await killAndRestart(site);
    await expectServing(site);
    expect(runsOf(site, "before").length).toBe(20);
  });
});
