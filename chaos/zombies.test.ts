// What a frozen node does when it wakes up in a world that has gone on without it: nothing that counts.
import { account, readJournal, sharedNowMs, type WorkerFault, type WorkerPart, type WorkerProcess, workerParts } from "lovage/testing";
import { expect, it } from "vitest";
import { waitFor } from "../interop/support/wait-for.ts";
import { step } from "./app.ts";
import { calm, type Plan } from "./plan.ts";
import { Site, startUntilReady } from "./site.ts";

const labels = ["0", "1", "2", "3"];
const taskMs = 2500;
const plan: Plan = {
  ...calm,
  store: "redis",
  nodes: [
    { name: "zombie", args: ["-P", "processes", "-c", "2"] },
    { name: "heir", args: ["-P", "async", "-c", "10"] },
  ],
};

/** Not on SQLite: a process that is frozen while it writes holds the file's lock, and nobody goes on. */
it.skipIf(process.env.LOVAGE_SKIP_REDIS).concurrent.each(workerParts)(
  "fences what a %s says that was frozen until its node was closed",
  async (part) => {
    const site = await Site.open(plan);
    try {
      await expectFenced(site, part);
    } finally {
      await site.close();
    }
  },
);

async function expectFenced(site: Site, part: WorkerPart): Promise<void> {
  const [zombie, heir] = site.workers as readonly [WorkerProcess, WorkerProcess];
  await startUntilReady(zombie);
  const calls = labels.map((label): [string, number] => [label, taskMs]);
  const results = await site.sender.sendMany(step, calls);
  await waitFor("two runs", () => readJournal(site.journal).length === 2);
  const fault = zombie.freeze(part) as WorkerFault;
  const closed = await closeNodes(site, zombie);
  await startUntilReady(heir);
  const tokens = await Promise.all(results.map((result) => result.get({ timeoutMs: 30_000 })));
  const store = await site.sender.store();
  const before = await store.counters();
  zombie.thaw(fault);

  // It goes on under a new id, and what it had is not heard.
  const isBack = async () =>
    (await store.leases.fleet()).nodes.some(
      ({ info }) => info.name === "zombie@chaos" && info.id !== closed.node && info.runners.filter(({ pid }) => pid !== null).length === 2,
    );
  await waitFor("the zombie's return", isBack, 20_000).catch((error: Error) => {
    throw new Error(`${error.message}\n${zombie.output}\n${heir.output}`);
  });
  expect(await store.counters()).toEqual(before);
  expect(before["chaos.step|SUCCESS"]).toBe(labels.length);
  const effective = (label: string) => tokens[labels.indexOf(label)];
  const runs = readJournal(site.journal);
  const ofClosed = runs.filter(
    ({ token, startedAtMs }) => closed.epochs.includes(token.split("/")[0] ?? "") && startedAtMs > closed.doneAtMs,
  );
  expect(closed.epochs).toHaveLength(2);
  expect(ofClosed, "runs that a closed epoch has reserved").toEqual([]);
  const judged = account({ labels, runs, faults: [fault, closed.fault], effective, reapedAfterMs: 0 });
  expect(judged, zombie.output).toMatchObject({ findings: [], lost: [], again: 2 });
}

/** The reaper's ten seconds are cut short: it is closed as another's reaper would close it. With all its runners, frozen or not. */
async function closeNodes(site: Site, { pid }: WorkerProcess) {
  const { leases } = await site.sender.store();
  const node = (await leases.fleet()).nodes.find(({ info }) => info.pid === pid)?.info.id ?? "";
  const fault = { kind: "frozen", part: "node", pids: [pid], atMs: sharedNowMs() } satisfies WorkerFault;
  const epochs = (await leases.closeNode(node)) ?? [];
  return { node, fault, epochs, doneAtMs: sharedNowMs() };
}
