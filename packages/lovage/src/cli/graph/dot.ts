/** What nodes said of themselves as graphs in the language of Graphviz. */
import type { NodeReplies } from "../../app/control.ts";
import type { NodeStats, QueueInfo } from "../../control/replies.ts";

/** Node → broker and results, with as many slots as it has: three are drawn at most, as the rest look the same. */
export function workersGraph(replies: NodeReplies<NodeStats>, broker: string, results: string): string {
  const lines = [`${id(broker)} [shape=cylinder]`, ...(results === broker ? [] : [`${id(results)} [shape=folder]`])];
  for (const [node, stats] of sorted(replies)) {
    lines.push(`${id(node)} [shape=component]`, edge(node, broker));
    if (results !== broker) lines.push(edge(node, results));
    const slots = "error" in stats ? 0 : Number(stats.pool?.["max-concurrency"] ?? 0);
    for (const slot of slotsOf(slots))
      lines.push(`${id(`${node} ${slot}`)} [shape=oval, label=${id(slot)}]`, edge(`${node} ${slot}`, node));
  }
  return graph("workers", lines);
}

const slotsOf = (count: number): readonly string[] =>
  count <= 3 ? Array.from({ length: count }, (_, i) => `${i + 1}`) : ["1", "2", `… ${count}`];

/** Exchange → queue → the nodes that consume it. */
export function bindingsGraph(replies: NodeReplies<readonly QueueInfo[]>): string {
  const lines = new Set<string>();
  for (const [node, queues] of sorted(replies)) {
    lines.add(`${id(node)} [shape=component]`);
    for (const { name, exchange, routing_key } of Array.isArray(queues) ? (queues as readonly QueueInfo[]) : []) {
      lines.add(`${id(`queue ${name}`)} [shape=box, label=${id(name)}]`);
      if (exchange?.name) {
        lines.add(`${id(`exchange ${exchange.name}`)} [shape=diamond, label=${id(`${exchange.name} (${exchange.type})`)}]`);
        lines.add(`${edge(`exchange ${exchange.name}`, `queue ${name}`)} [label=${id(routing_key)}]`);
      }
      lines.add(edge(`queue ${name}`, node));
    }
  }
  return graph("bindings", [...lines]);
}

const sorted = <T>(replies: Readonly<Record<string, T>>) => Object.entries(replies).sort(([a], [b]) => (a < b ? -1 : 1));
const id = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const edge = (from: string, to: string): string => `${id(from)} -> ${id(to)}`;
const graph = (name: string, lines: readonly string[]): string =>
  `digraph ${name} {\n  rankdir=LR\n${lines.map((line) => `  ${line}\n`).join("")}}`;
