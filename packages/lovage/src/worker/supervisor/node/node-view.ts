/** A node as remote control sees it: its parts, each in a file of its own. */
import type { App } from "../../../app/app.ts";
import type { NodePool, NodeView } from "../../../control/node-view.ts";
import type { NodeEvents } from "../../../events/node-events.ts";
import type { Store } from "../../../store/store.ts";
import type { ConsumedQueues } from "../consumed-queues.ts";
import type { OwnCommands } from "../own-commands.ts";
import type { TaskLimitChanges } from "../task-limit-changes.ts";
import { type NodeFactsOptions, nodeFacts } from "./node-facts.ts";
import { nodeRefusals } from "./node-refusals.ts";
import { nodeTasks } from "./node-tasks.ts";
import { nodeWork } from "./node-work.ts";

export interface NodeViewOptions extends NodeFactsOptions {
  readonly nodeName: string;
  readonly app: App;
  readonly store: Store;
  readonly queues: ConsumedQueues;
  readonly events: NodeEvents;
  readonly changes: TaskLimitChanges;
  readonly ownCommands: OwnCommands;
  /** Replaces all runners, each when it has finished. */
  recycle(): void;
  shutdown(): void;
}

export function nodeView(options: NodeViewOptions): NodeView {
  const { nodeName, app, store, queues, events, changes, members, shutdown } = options;
  return {
    nodeName,
    facts: nodeFacts(options),
    work: nodeWork({ nodeName, store, members, queues, lines: () => changes.lines() }),
    tasks: nodeTasks({ registry: app.registry, config: app.config, changes }),
    pool: nodePool(options),
    queues,
    refusals: nodeRefusals({ revokes: store.revokes, killAfterMs: app.config.killAfterMs }),
    events,
    custom: options.ownCommands,
    shutdown,
  };
}

function nodePool({ app, size, autoscaler, recycle }: NodeViewOptions): NodePool {
  return {
    scales: autoscaler !== null,
    grow: (by) => size.resize(size.capacity + by),
    autoscale: async (range) => autoscaler?.update(range),
    restart() {
      if (app.config.workerPoolRestarts) recycle();
      return app.config.workerPoolRestarts;
    },
  };
}
