/**
 * `lovage status`: Lovage's nodes by their presence in the store, Python's by a ping. A node that is there and does not answer
 * is dead and not yet noticed, or cut off. Exit code 0: at least one answers.
 */
import type { NodeInfo } from "../../broker/leases.ts";
import { ask } from "../../control/ask.ts";
import { busLink } from "../../control/control-link.ts";
import type { Store } from "../../store/store.ts";
import type { CommandModule } from "../command.ts";
import { numberOf } from "../flags.ts";
import { print, table } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage status -A app.ts",
  "lovage status -b redis://localhost/0 --json",
  "lovage status -A app.ts --wait 30",
];

export const define: CommandModule["define"] = (command) =>
  command
    .option("-t, --timeout <seconds>", "how long to wait for answers", "1")
    .option("--wait <seconds>", "wait until a node is up, at most so long");

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

export const run: CommandModule["run"] = async (context, _args, options: { readonly timeout?: string; readonly wait?: string }) => {
  const app = await context.loadApp();
  try {
    const store = await app.store();
    const timeoutMs = numberOf("--timeout", options.timeout ?? "1") * 1000;
    const deadline = performance.now() + numberOf("--wait", options.wait ?? "0") * 1000;
    let nodes = await nodesOf(store, timeoutMs);
    while (online(nodes) === 0 && performance.now() < deadline) nodes = await nodesOf(store, timeoutMs);
    print(context.output, { nodes }, () =>
      [
        table(["NODE", "KIND", "POOL", "SLOTS", "QUEUES", "PID", "RUNNERS", "ANSWERS"], nodes.map(rowOf)),
        "",
        `${online(nodes)} node${online(nodes) === 1 ? "" : "s"} online`,
      ].join("\n"),
    );
    return online(nodes) > 0 ? 0 : 1;
  } finally {
    await app.close();
  }
};

const online = (nodes: readonly NodeStatus[]) => nodes.filter(({ answers }) => answers).length;
const rowOf = ({ name, kind, pool, slots, queues, pid, runners, answers }: NodeStatus) =>
  [name, kind, pool, slots, queues.join(","), pid, runners.join(","), answers ? "yes" : "no"] as const;

export async function nodesOf(store: Store, timeoutMs: number): Promise<readonly NodeStatus[]> {
  const [answers, { nodes }] = await Promise.all([
    ask(store.pidbox ?? busLink(store.bus), { method: "ping", timeoutMs }),
    store.leases.fleet(),
  ]);
  const ours = nodes.map(({ info }) => lovageNode(info, info.name in answers));
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
