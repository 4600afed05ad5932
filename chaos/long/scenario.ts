/**
 * A task that takes many times the visibility timeout, on two Lovage nodes beside a Celery worker that looks for messages which
 * nobody has acknowledged for so long. It runs once; and when its worker dies it starts again elsewhere, at once or when the
 * reaper's patience is over, not when a timeout is.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { remoteTask } from "lovage";
import { type Account, account, readJournal, type WorkerFault, type WorkerPart, type WorkerProcess } from "lovage/testing";
import { Child } from "../../interop/support/child.ts";
import { waitFor } from "../../interop/support/wait-for.ts";
import { step } from "../app.ts";
import { calm } from "../plan.ts";
import { Site } from "../site.ts";

export interface Scenario {
  readonly taskMs: number;
  /** Seconds, of both sides. */
  readonly visibility: number;
  /** What happens to the node that runs it; absent: nothing. */
  readonly fault?: { readonly kind: WorkerFault["kind"]; readonly part: WorkerPart; readonly afterMs: number };
}

export interface Told {
  readonly account: Account;
  /** From the fault until the task started again. */
  readonly restartMs: number | undefined;
  /** How often a Celery worker started and looked while the task ran. */
  readonly looks: number;
}

/** Debian's Celery belongs to this interpreter, unless `CELERY_PYTHON` names that of another. */
const python = process.env.CELERY_PYTHON ?? "/usr/bin/python3";
const folder = fileURLToPath(new URL("python", import.meta.url));
const echo = remoteTask<[value: number], number>("py.echo");
const label = "long";

export async function play({ taskMs, visibility, fault: planned }: Scenario): Promise<Told> {
  const env = { LOVAGE_VISIBILITY_TIMEOUT: String(visibility) };
  const nodes = ["one", "two"].map((name) => ({ name, args: ["-P", "solo"], env }));
  const site = await Site.open({ ...calm, store: "redis", nodes });
  const over = new AbortController();
  try {
    await site.start();
    const result = await site.sender.send(step, [label, taskMs]);
    await waitFor("the task to start", () => readJournal(site.journal).length === 1);
    const looking = lookAgainAndAgain(site, visibility, over.signal);
    const fault = planned && (await inject(site, planned));
    const token = await result.get({ timeoutMs: 3 * taskMs + 60_000 });
    over.abort();
    const looks = await looking;
    const runs = readJournal(site.journal);
    const faults = site.workers.flatMap((worker) => worker.faults);
    const judged = account({ labels: [label], runs, faults, effective: () => token });
    const second = runs[1]?.startedAtMs;
    return { account: judged, restartMs: fault && second && second - fault.atMs, looks };
  } finally {
    over.abort();
    await site.close();
  }
}

async function inject(site: Site, { kind, part, afterMs }: NonNullable<Scenario["fault"]>): Promise<WorkerFault> {
  await sleep(afterMs);
  const [run] = readJournal(site.journal);
  const worker = site.workers.find(({ pid }) => pid === run?.parentPid) as WorkerProcess;
  return (kind === "killed" ? worker.kill(part) : worker.freeze(part)) as WorkerFault;
}

/** One Celery worker after the other: each looks when it starts, does a task, and makes place for the next. */
async function lookAgainAndAgain(site: Site, visibility: number, over: AbortSignal): Promise<number> {
  const env = { REDIS_URL: `${site.redis?.url}/0`, CHAOS_VISIBILITY: String(visibility), PYTHONDONTWRITEBYTECODE: "1" };
  const command = [python, "-m", "celery", "-A", "tasks", "worker", "-n", "celery@long", "-Q", "py", "-c", "1", "-l", "info"];
  let looks = 0;
  await sleep(visibility * 1000);
  while (!over.aborted) {
    const celery = await new Child(command, env, folder).printed(/@long ready\./);
    try {
      await (await site.sender.send(echo, [looks], { queue: "py" })).get({ timeoutMs: 30_000 });
      looks += 1;
      await sleep(visibility * 1000, undefined, { signal: over }).catch(() => {});
    } finally {
      await celery.stop();
    }
  }
  return looks;
}
