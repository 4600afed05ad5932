/** What a node announces of itself to the others. */
import type { NodeInfo } from "../../broker/leases.ts";
import type { QueueName } from "../../message/task-message.ts";
import { localMachine } from "../../upkeep/machine.ts";
import type { Member } from "./member.ts";

export interface NodeInfoFacts {
  readonly nodeName: string;
  readonly pool: string;
  readonly slots: number;
  readonly queues: readonly QueueName[];
  readonly tasks: readonly string[];
  readonly startedAt: number;
  readonly members: readonly Member[];
}

export function nodeInfo({ nodeName, members, ...facts }: NodeInfoFacts): Omit<NodeInfo, "id"> {
  const { host, bootId, processStart } = localMachine();
  return {
    name: nodeName,
    host,
    bootId,
    pid: process.pid,
    processStart: processStart(process.pid),
    ...facts,
    runners: members.map(({ epoch, runner }) => ({ epoch, pid: runner.pid })),
  };
}
