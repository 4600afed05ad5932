/** Who hears what: passes the words of runners, and of their watchdogs, on to the actors that they concern. Decides nothing. */
import type { Logger } from "../../kernel/logger.ts";
import type { FromRunner, FromWatchdog } from "../../pool/protocol.ts";
import { exitCodes } from "../exit-codes.ts";
import type { BlockedLoops } from "./blocked-loops.ts";
import type { Canceller } from "./canceller.ts";
import type { Figures } from "./figures.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { Limits } from "./limits.ts";
import type { Member } from "./member.ts";
import type { MemoryLimit } from "./memory-limit.ts";
import type { RemoteControl } from "./node/remote-control.ts";
import type { NodeReporter } from "./node-reporter.ts";
import type { Readiness } from "./readiness.ts";
import type { Recycler } from "./recycler.ts";
import type { PoolListener } from "./runner-pool.ts";
import type { Shutdown } from "./shutdown.ts";
import type { Waker } from "./waker.ts";

export interface ListeningActors {
  readonly readiness: Readiness;
  readonly leases: LeaseKeeper;
  readonly waker: Waker;
  readonly limits: Limits;
  readonly blockedLoops: BlockedLoops;
  readonly memoryLimit: MemoryLimit;
  readonly canceller: Canceller;
  readonly recycler: Recycler;
  readonly shutdown: Shutdown;
  readonly figures: Figures;
  readonly reporter: NodeReporter;
  readonly remote: RemoteControl;
  readonly log: Logger;
}

/** `actors`: asked when something was said; the pool exists before them. */
export function poolListener(actors: () => ListeningActors): PoolListener {
  return {
    onSpawned(member) {
      const { reporter, remote } = actors();
      reporter.spawned(member);
      remote.limitChanges.spawned(member);
      remote.queues.spawned(member);
    },
    onReady(member) {
      const { readiness, leases } = actors();
      leases.changed();
      if (!member.alone) readiness.came(member);
    },
    onGone({ member }) {
      const { readiness, leases, waker, canceller, shutdown, figures } = actors();
      figures.gone(member);
      readiness.gone(member);
      leases.changed();
      waker.gone(member);
      canceller.gone(member);
      shutdown.closed(member);
    },
    onMessage: (member, message) => heard(actors(), member, message),
    onWatchdog: (member, finding) => found(actors(), member, finding),
    onHopeless({ code, message }) {
      const { log, readiness, shutdown } = actors();
      log.error("worker.cannot-start", { code, message });
      readiness.hopeless(code, message);
      void shutdown.cold(exitCodes.configuration);
    },
  };
}

function heard({ waker, recycler, canceller, shutdown, figures, remote, log }: ListeningActors, member: Member, message: FromRunner): void {
  switch (message.t) {
    case "idle":
      waker.becameIdle(member);
      break;
    case "awake":
      waker.gone(member);
      break;
    case "full":
      waker.foundMore(member);
      break;
    case "recycle":
      recycler.reached(member, message);
      break;
    case "cancelling":
      canceller.asked(member, message);
      break;
    case "drained":
      figures.drained(member, message.tasksDone);
      break;
    case "closed":
      shutdown.closed(member);
      break;
    case "ended":
      canceller.ended(member, message.number);
      break;
    case "said":
      remote.ownCommands.said(message);
      break;
    case "limits-set":
      remote.limitChanges.heard(member, message.version);
      break;
    case "counts":
      remote.totals.add(message);
      break;
    case "failed":
      log.error("runner.failed", { pid: member.runner.pid, code: message.code, message: message.message });
      break;
    case "store-down":
      // The runner logs its outages itself.
      member.held = message.held;
  }
}

function found({ limits, blockedLoops, memoryLimit, log }: ListeningActors, member: Member, finding: FromWatchdog): void {
  const onError = (error: unknown) => log.error("limits.failed", { error });
  if (finding.t === "hard-limit") limits.reached(member, finding).catch(onError);
  else if (finding.t === "loop-blocked") {
    void blockedLoops.seen(member, finding);
    limits.blocked(member).catch(onError);
  } else if (finding.t === "over-memory") memoryLimit.reached(member, finding).catch(onError);
}
