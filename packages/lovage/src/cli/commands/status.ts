/**
 * `lovage status`: Lovage's nodes by their presence in the store, Python's by a ping. A node that is there and does not answer
 * is dead and not yet noticed, or cut off. Exit code 0: at least one answers; 69, as Celery's: none.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { AskOptions } from "../../app/control.ts";
import type { NodeInfo } from "../../broker/leases.ts";
import { readPauses } from "../../broker/pauses.ts";
import { exitCodes } from "../../worker/exit-codes.ts";
import type { CommandModule } from "../command.ts";
import type { Connection } from "../connect.ts";
import { numberOf } from "../flags.ts";
import { print, table } from "../output.ts";
import { audienceFlags, audienceOf } from "../remote/ask-nodes.ts";

export const examples: CommandModule["examples"] = [
  "lovage status -A app.ts",
  "lovage status -b redis://localhost/0 --json",
  "lovage status -A app.ts --wait 30",
];

export const define: CommandModule["define"] = (command) =>
  audienceFlags(command).option("--wait <seconds>", "wait until a node is up, at most so long");

interface NodeStatus {
  readonly name: string;
  readonly kind: "lovage" | "celery";
  readonly pool: string | null;
  readonly slots: number | null;
  readonly queues: readonly string[];
  readonly pid: number | null;
  readonly runners: readonly number[];
  readonly answers: boolean;
}

interface StatusFlags {
  readonly timeout?: string;
  readonly destination?: string;
  readonly wait?: string;
}

/** Where nobody hears the question, nothing is waited for. */
const againAfterMs = 200;

export const run: CommandModule["run"] = async (context, _args, flags: StatusFlags) => {
  const connection = await context.connect();
  try {
    const how = { ...audienceOf(flags), timeoutMs: numberOf("--timeout", flags.timeout ?? "1") * 1000 };
    const deadline = performance.now() + numberOf("--wait", flags.wait ?? "0") * 1000;
    let nodes = await nodesOf(connection, how);
    while (online(nodes) === 0 && performance.now() < deadline) {
      await sleep(againAfterMs);
      nodes = await nodesOf(connection, how);
    }
    const paused = await readPauses((await connection.store()).state);
    print(context.output, { nodes, paused }, () =>
      [
        table(["NODE", "KIND", "POOL", "SLOTS", "QUEUES", "PID", "RUNNERS", "ANSWERS"], nodes.map(rowOf)),
        "",
        `${online(nodes)} node${online(nodes) === 1 ? "" : "s"} online`,
        ...paused.map(({ queue, why }) => `Queue ${queue} is paused${why === null ? "" : `: ${why}`}.`),
      ].join("\n"),
    );
    return online(nodes) > 0 ? exitCodes.ok : exitCodes.brokerUnreachable;
  } finally {
    await connection.close();
  }
};

const online = (nodes: readonly NodeStatus[]) => nodes.filter(({ answers }) => answers).length;
const rowOf = ({ name, kind, pool, slots, queues, pid, runners, answers }: NodeStatus) =>
  [name, kind, pool, slots, queues.join(","), pid, runners.join(","), answers ? "yes" : "no"] as const;

export async function nodesOf(connection: Connection, how: AskOptions): Promise<readonly NodeStatus[]> {
  const { leases } = await connection.store();
  const [answers, { nodes }] = await Promise.all([connection.control.ping(how), leases.fleet()]);
  const meant = nodes.filter(({ info }) => how.destination === undefined || how.destination.includes(info.name));
  const ours = meant.map(({ info }) => lovageNode(info, info.name in answers));
  const names = new Set(ours.map(({ name }) => name));
  return [...ours, ...Object.keys(answers).flatMap((name) => (names.has(name) ? [] : [celeryNode(name)]))];
}

function lovageNode(info: NodeInfo, answers: boolean): NodeStatus {
  const { name, pool, slots, queues, pid } = info;
  const runners = [...new Set(info.runners.flatMap((runner) => (runner.pid === null ? [] : [runner.pid])))];
  return { name, kind: "lovage", pool, slots, queues, pid, runners, answers };
}

const celeryNode = (name: string): NodeStatus => ({
  name,
  kind: "celery",
  pool: null,
  slots: null,
  queues: [],
  pid: null,
  runners: [],
  answers: true,
});
