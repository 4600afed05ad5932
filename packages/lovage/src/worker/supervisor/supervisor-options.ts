/** What a node is made of. */
import type { App } from "../../app/app.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { PoolPlan } from "../../pool/pools.ts";
import type { RunnerSpec } from "../../pool/protocol.ts";
import type { RunnerHost } from "../../pool/runner-host.ts";
import type { Store } from "../../store/store.ts";
import type { ScaleRange } from "./autoscaler.ts";

export interface SupervisorOptions {
  readonly app: App;
  readonly store: Store;
  readonly host: RunnerHost;
  readonly plan: PoolPlan;
  readonly nodeName: string;
  readonly queues: readonly QueueName[];
  /** Of each runner; what changes is added. */
  readonly spec: Omit<RunnerSpec, "epoch" | "openSlots" | "changedLimits" | "wantsEvents" | "nodeStartedAt">;
  /** Runners say what becomes of tasks, as far as anybody listens. */
  readonly taskEvents: boolean;
  /** The node says every 2 s that it is there, to Celery's monitors. */
  readonly heartbeats: boolean;
  readonly autoscale: (ScaleRange & { readonly keepAliveMs: number }) | null;
  readonly shutdownTimeoutMs: number | null;
  readonly softShutdownMs: number;
  /** Somebody probes it. */
  readonly probed: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}
