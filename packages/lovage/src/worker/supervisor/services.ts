/** What a node does for the fleet and for its own health beside running tasks: services that need no words from runners. */
import type { App } from "../../app/app.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import type { Store } from "../../store/store.ts";
import { deadLetterKeeper } from "../../upkeep/dead-letter-keeper.ts";
import { janitor } from "../../upkeep/janitor.ts";
import type { Promoter } from "../../upkeep/promoter.ts";
import { consumingWatchdog } from "./consuming-watchdog.ts";
import type { Health } from "./health.ts";
import type { RunnerPool } from "./runner-pool.ts";
import { silenceWatch } from "./silence-watch.ts";
import { storeCheck } from "./store-check.ts";
import type { Waker } from "./waker.ts";
import type { Workload } from "./workload.ts";

export interface ServicesOptions {
  readonly app: App;
  readonly store: Store;
  readonly pool: () => RunnerPool;
  readonly promoter: Promoter;
  readonly workload: Workload;
  readonly waker: () => Waker;
  readonly health: Health;
  readonly canKill: boolean;
  /** It is connected and takes nothing: another node may do better. */
  giveUp(): void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** In the order in which they start. */
export function nodeServices({
  app,
  store,
  pool,
  promoter,
  workload,
  waker,
  health,
  canKill,
  giveUp,
  clock,
  log,
}: ServicesOptions): readonly Service[] {
  const { leases, deadLetters } = store;
  const { deadLetterMax: most, deadLetterExpires, deadlineMs } = app.config;
  const olderThanMs = deadLetterExpires === null ? null : deadLetterExpires * 1000;
  const consuming = consumingWatchdog({
    clock,
    log,
    waiting: () => workload.waiting(),
    idleRunners: () => waker().idle,
    unansweredRunners: () => workload.count((slots) => health.isUnanswered(slots)),
    progress: () => workload.progress(),
    onLook: (stuck) => health.looked(stuck),
    restartWaking: () => waker().restart(pool().serving),
    giveUp,
  });
  return [
    promoter,
    consuming,
    janitor({ leases, clock, log }),
    storeCheck({ store, deadlineMs, clock, log }),
    deadLetterKeeper({ deadLetters, most, olderThanMs, clock, log }),
    silenceWatch({ pool, canKill, clock, log }),
  ];
}
