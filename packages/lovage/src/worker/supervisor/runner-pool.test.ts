import { expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import { silentLogger } from "../../kernel/logger.ts";
import type { RunnerSpec } from "../../pool/protocol.ts";
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
