/** A node as remote control sees it: its parts, each in a file of its own. */
import type { App } from "../../../app/app.ts";
import type { NodePool, NodeView } from "../../../control/node-view.ts";
import type { NodeEvents } from "../../../events/node-events.ts";
import type { Store } from "../../../store/store.ts";
import type { ConsumedQueues } from "../consumed-queues.ts";
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
  /** Replaces all runners, each when it has finished. */
  recycle(): void;
  shutdown(): void;
}

export function nodeView(options: NodeViewOptions): NodeView {
  const { nodeName, app, store, queues, events, members, shutdown } = options;
  return {
    nodeName,
    facts: nodeFacts(options),
    work: nodeWork({ members, held: (epoch) => store.leases.held(epoch) }),
    tasks: nodeTasks({ registry: app.registry, config: () => app.config }),
    pool: nodePool(options),
    queues,
    refusals: nodeRefusals({ revokes: store.revokes, killAfterMs: app.config.killAfterMs }),
    events,
    custom: { has: () => false, run: () => Promise.reject(new Error("none")) },
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
