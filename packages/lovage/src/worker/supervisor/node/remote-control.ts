/** Remote control of a node: its mailbox, the view that it answers from, and the actors that keep what it was told to change. */
import type { App } from "../../../app/app.ts";
import { busLink } from "../../../control/control-link.ts";
import { Mailbox } from "../../../control/mailbox.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { rateIntervalMs } from "../../../kernel/rate.ts";
import type { QueueName } from "../../../message/task-message.ts";
import { ConsumedQueues } from "../consumed-queues.ts";
import type { NodeReporter } from "../node-reporter.ts";
import { OwnCommands } from "../own-commands.ts";
import type { RunnerPool } from "../runner-pool.ts";
import { TaskLimitChanges } from "../task-limit-changes.ts";
import { TaskTotals } from "../task-totals.ts";
import { type NodeViewOptions, nodeView } from "./node-view.ts";

type Known = "app" | "store" | "plan" | "nodeName" | "size" | "autoscaler" | "prefetch" | "maxTasks" | "clock" | "startedAt" | "recycle";

export interface RemoteControlOptions extends Pick<NodeViewOptions, Known | "shutdown"> {
  readonly pool: () => RunnerPool;
  readonly reporter: NodeReporter;
  /** At the start. */
  readonly queues: readonly QueueName[];
  /** Runners take from these from now on. */
  onQueues(taken: readonly QueueName[]): void;
  /** Who waits in line for a rate may be due sooner. */
  onLimits(): void;
  readonly log: Logger;
}

export class RemoteControl {
  readonly queues: ConsumedQueues;
  readonly totals = new TaskTotals();
  readonly limitChanges: TaskLimitChanges;
  readonly ownCommands: OwnCommands;
  readonly mailbox: Mailbox;

  /** @throws {ConfigError} LOVAGE_CONTROL_COMMAND_TAKEN */
  constructor(options: RemoteControlOptions) {
    const { app, store, pool, reporter, clock, log } = options;
    const members = () => pool().members;
    this.queues = new ConsumedQueues({
      names: options.queues,
      log,
      bind: async ({ name, ...how }) => store.broker.queues.bind?.({ queue: name, ...how }),
      members,
      onChanged: options.onQueues,
    });
    this.limitChanges = new TaskLimitChanges({
      registry: app.registry,
      limits: store.limits,
      facts: { nodeName: options.nodeName, defaultIntervalMs: defaultIntervalMs(app) },
      members,
      onChanged: options.onLimits,
      log,
    });
    this.ownCommands = new OwnCommands({ app, members: () => pool().serving });
    const { totals, queues, ownCommands, limitChanges: changes } = this;
    this.mailbox = new Mailbox({
      link: store.pidbox ?? busLink(store.bus),
      node: nodeView({ ...options, totals, queues, ownCommands, changes, members, events: reporter }),
      clock,
      lamport: reporter.origin.clock,
      log,
    });
  }
}

function defaultIntervalMs({ config: { taskDefaultRateLimit: rate } }: App): number | null {
  return rate === null ? null : (rateIntervalMs(rate) ?? null);
}
