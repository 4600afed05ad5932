/** A node as remote control sees it: made from slot tables and in-flight records, so it is right while user code loops. */

import { type Revokes, revokesKeptMs, stampText } from "../../broker/revokes.ts";
import type { ActiveRun, NodeView } from "../../control/commands.ts";
import type { NodeEvents } from "../../events/node-events.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import { decodeTaskMessage } from "../../message/decode.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import type { Registry } from "../../task/registry.ts";
import { terminationOf } from "../../task/termination.ts";
import type { Autoscaler } from "./autoscaler.ts";
import type { Member } from "./member.ts";
import type { PoolSize } from "./pool-size.ts";

export interface NodeViewOptions {
  readonly nodeName: string;
  readonly registry: Registry;
  members(): readonly Member[];
  held(epoch: Epoch): Promise<readonly Delivery[]>;
  readonly revokes: Revokes;
  /** Milliseconds that a run gets to stop by itself. */
  readonly killAfterMs: number;
  readonly size: PoolSize;
  readonly autoscaler: Autoscaler | null;
  readonly events: NodeEvents;
}

/** Milliseconds for a watchdog to answer; callers wait for one second. */
const askWithinMs = 500;

export function nodeView({ nodeName, registry, members, held, revokes, killAfterMs, size, autoscaler, events }: NodeViewOptions): NodeView {
  const activeOf = async (member: Member): Promise<ActiveRun[]> => {
    const { taken } = await member.runner.slots(askWithinMs);
    if (taken.length === 0) return [];
    const deliveries = new Map((await held(member.epoch)).map((delivery) => [delivery.id.number, delivery]));
    return taken.flatMap(({ number, runningMs }) => {
      const delivery = deliveries.get(number);
      const message = delivery && decode(delivery);
      if (!message) return [];
      return [{ message, startedAt: Date.now() - runningMs, ackedEarly: delivery.ackedEarly, workerPid: member.runner.pid }];
    });
  };
  return {
    nodeName,
    events,
    async active() {
      const runs = await Promise.all(members().map((member) => activeOf(member).catch((): ActiveRun[] => [])));
      return runs.flat();
    },
    registered: () => registry.names(),
    scales: autoscaler !== null,
    grow: (by) => size.resize(size.capacity + by),
    autoscale: async (range) => autoscaler?.update(range),
    // Every node that hears it says it again: a broadcast may be lost by some, the store forgets nothing.
    async revoke(refusals) {
      await revokes.revoke(
        refusals.map(({ by, value, terminate, signal }) => ({
          ...{ by, ...terminationOf({ terminate, ...(signal !== undefined && { signal }) }, killAfterMs) },
          value: typeof value === "string" ? value : stampText(value.name, value.value),
        })),
        revokesKeptMs,
      );
    },
  };
}

function decode(delivery: Delivery): TaskMessage | undefined {
  try {
    return decodeTaskMessage(delivery.bytes);
  } catch {
    return undefined;
  }
}
