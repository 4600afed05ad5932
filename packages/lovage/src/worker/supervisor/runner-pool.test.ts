import { expect, it } from "vitest";
import { type Clock, systemClock } from "../../kernel/clock.ts";
import { silentLogger } from "../../kernel/logger.ts";
import type { RunnerSpec } from "../../pool/protocol.ts";
import type { HostEvents, Runner, RunnerExit, RunnerHost } from "../../pool/runner-host.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { openHost } from "../adapters.ts";
import type { Departed } from "./member.ts";
import { RunnerPool } from "./runner-pool.ts";

const runners = 8;
const spec: Omit<RunnerSpec, "epoch"> = {
  appModule: "",
  settings: {},
  nodeName: "celery@here",
  queues: ["celery"],
  slots: 1,
  openSlots: 1,
  ownBell: false,
  prefetch: 1,
  maxTasks: null,
  maxMemoryBytes: null,
  hardMemoryBytes: null,
  wantsEvents: false,
  nodeStartedAt: 0,
};

it("says once that no runner can start, however many fail together", async () => {
  const said: string[] = [];
  const gone: Departed[] = [];
  let allGone = (): void => {};
  const everyOneGone = new Promise<void>((resolve) => {
    allGone = resolve;
  });
  const pool: RunnerPool = new RunnerPool({
    host: await openHost("inline", {
      start: ({ spec: { epoch }, send }) => {
        send({ t: "failed", epoch, code: "LOVAGE_SETUP_FAILED", message: "the model file is gone" });
        return { receive: () => {}, flagged: () => {}, done: Promise.resolve() };
      },
      gpus: [],
    }),
    runners,
    clock: systemClock,
    log: silentLogger,
    specFor: (epoch) => ({ ...spec, epoch }),
    open: async () => {},
    settle: async () => {},
    listener: {
      onSpawned: () => {},
      onReady: () => {},
      onGone: (departed) => {
        if (gone.push(departed) === runners) allGone();
      },
      onMessage: () => {},
      onWatchdog: () => {},
      onHopeless: ({ code }) => {
        said.push(code);
        void pool.stopReplacing();
      },
    },
  });
  pool.start();
  await everyOneGone;
  await pool.emptied();
  expect(said).toEqual(["LOVAGE_SETUP_FAILED"]);
});

/** Runners without code: they are ready at once, and end when the test says so. */
class EmptyHost implements RunnerHost {
  readonly canKill = true;
  readonly exits: ((signal: NodeJS.Signals) => void)[] = [];

  async spawn({ epoch }: RunnerSpec, events: HostEvents): Promise<Runner> {
    const pid = 1000 + this.exits.length;
    const exited = new Promise<RunnerExit>((resolve) => {
      this.exits.push((signal) => resolve({ epoch, code: null, signal, asNeighbour: false }));
    });
    events.onMessage({ t: "ready", epoch, pid });
    const slots = async () => ({ epoch, tasksDone: 0, loopLagMs: 0, askingMs: 0, taken: [] });
    const nothing = () => {};
    return { epoch, pid, send: nothing, wantEvents: nothing, cancel: nothing, signal: () => false, slots, kill: async () => {}, exited };
  }

  async close(): Promise<void> {}
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
};

/** One runner at a time, killed from outside again and again; what they held is never settled. Returns how many were started. */
async function startedWhileKilled(clock: Clock, kills: number, grow: () => Promise<unknown>): Promise<number> {
  const host = new EmptyHost();
  const nothing = () => {};
  const listener = { onSpawned: nothing, onReady: nothing, onGone: nothing, onMessage: nothing, onWatchdog: nothing, onHopeless: nothing };
  const [log, specFor] = [silentLogger, (epoch: string) => ({ ...spec, epoch })];
  const settle = () => new Promise<void>(() => {});
  const pool = new RunnerPool({ host, runners: 1, clock, log, specFor, open: async () => {}, settle, listener });
  pool.start();
  await turns();
  for (let i = 0; i < kills; i++) {
    await grow();
    host.exits.at(-1)?.("SIGKILL");
    await turns();
  }
  await pool.stopReplacing();
  return host.exits.length;
}

it("replaces at once a runner that had served and is killed from outside, however often, and before what it held is settled", async () => {
  const clock = manualClock();
  expect(await startedWhileKilled(clock, 50, () => clock.advance(600))).toBe(51);
});

it("slows down where runners are killed as soon as they are ready", async () => {
  const clock = manualClock();
  expect(await startedWhileKilled(clock, 50, () => clock.advance(10))).toBe(11);
});
