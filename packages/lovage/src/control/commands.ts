/** What a node answers to remote control: one function per method, by Celery's names (celery-wire.md §10.4). The rest is refused politely. */
import type { NodeEvents } from "../events/node-events.ts";
import { safeRepr } from "../message/repr.ts";
import type { TaskMessage } from "../message/task-message.ts";

/** A run that has begun, as the slot tables and the in-flight records tell it. */
export interface ActiveRun {
  readonly message: TaskMessage;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly ackedEarly: boolean;
  readonly workerPid: number | null;
}

export interface NodeView {
  readonly nodeName: string;
  readonly events: NodeEvents;
  /** Answered while user code loops. */
  active(): Promise<readonly ActiveRun[]>;
  /** Names of tasks. */
  registered(): readonly string[];
  /** It keeps its size between two by itself. */
  readonly scales: boolean;
  /** Tasks at a time: more, or fewer with a negative number. Rejects where the pool has one size. */
  grow(by: number): Promise<void>;
  /** undefined: it does not scale. */
  autoscale(range: { readonly max?: number; readonly min?: number }): Promise<{ readonly max: number; readonly min: number } | undefined>;
  /** For all nodes and for good: it does not matter which node heard of it. */
  revoke(refusals: readonly Refusal[]): Promise<void>;
}

/** Tasks that must not start any more, and stop if they run. */
export interface Refusal {
  readonly by: "id" | "stamp";
  readonly value: string | { readonly name: string; readonly value: unknown };
  readonly terminate: boolean;
  /** As the caller named it; undefined: not at all. */
  readonly signal: string | undefined;
}

export interface CommandContext {
  readonly node: NodeView;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The node's Lamport clock. */
  readonly clock: number;
}

type Command = (context: CommandContext) => unknown;

export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["ping", () => ({ ok: "pong" })],
  ["active", active],
  ["dump_active", active],
  ["registered", registered],
  ["dump_tasks", registered],
  ["pool_grow", (context) => resize(context, "grow", 1)],
  ["pool_shrink", (context) => resize(context, "shrink", -1)],
  ["autoscale", autoscale],
  ["clock", ({ clock }) => ({ clock })],
  ["revoke", revoke],
  ["terminate", (context) => revoke({ ...context, arguments: { ...context.arguments, terminate: true } })],
  ["revoke_by_stamped_headers", revokeByStamps],
  // Asked by every Python worker that starts; without an answer of the right form it logs an error.
  ["hello", ({ node, arguments: { from_node }, clock }) => (from_node === node.nodeName ? null : { revoked: {}, clock })],
]);

async function active({ node, arguments: args }: CommandContext): Promise<unknown> {
  const runs = await node.active();
  return runs.map((run) => taskInfo(run, node.nodeName, args.safe === true));
}

function taskInfo({ message, startedAt, ackedEarly, workerPid }: ActiveRun, nodeName: string, safe: boolean): unknown {
  return {
    id: message.id,
    name: message.shadow ?? message.task,
    args: safe ? message.argsrepr : message.args,
    kwargs: safe ? message.kwargsrepr : message.kwargs,
    type: message.task,
    hostname: nodeName,
    time_start: startedAt / 1000,
    acknowledged: ackedEarly,
    delivery_info: {
      exchange: message.exchange,
      routing_key: message.routingKey,
      priority: message.priority,
      redelivered: message.redelivered,
    },
    worker_pid: workerPid,
  };
}

/** `celery.*` only when asked for. Of the attributes that Celery adds on request (`name [name=…]`) tasks here have their name. */
function registered({ node, arguments: args }: CommandContext): readonly string[] {
  const names = node.registered().filter((name) => args.builtins === true || !name.startsWith("celery."));
  const isAsked = listOf(args.taskinfoitems).includes("name");
  return names.map((name) => (isAsked ? `${name} [name=${name}]` : name)).sort();
}

async function resize({ node, arguments: { n } }: CommandContext, word: "grow" | "shrink", sign: 1 | -1): Promise<unknown> {
  if (node.scales) return { error: `pool_${word} is not supported with autoscale. Adjust autoscale range instead.` };
  await node.grow(sign * (typeof n === "number" ? n : 1));
  return { ok: `pool will ${word}` };
}

async function autoscale({ node, arguments: { max, min } }: CommandContext): Promise<unknown> {
  const range = await node.autoscale({ ...(typeof max === "number" && { max }), ...(typeof min === "number" && { min }) });
  if (range === undefined) return { error: "ValueError('Autoscale not enabled')" };
  return { ok: `autoscale now max=${range.max} min=${range.min}` };
}

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

function howOf({ terminate, signal }: CommandContext["arguments"]): Pick<Refusal, "terminate" | "signal"> {
  return { terminate: terminate === true, signal: signal === undefined || signal === null ? undefined : String(signal) };
}

/** Celery's words (celery-wire.md §10.5); what runs is told to stop after the answer. */
async function revoke({ node, arguments: args }: CommandContext): Promise<unknown> {
  const ids = listOf(args.task_id).map(String);
  const how = howOf(args);
  await node.revoke(ids.map((value) => ({ by: "id", value, ...how })));
  if (how.terminate) return { ok: `terminate: ${ids.join(", ")}` };
  return { ok: `tasks {${ids.map((id) => safeRepr(id)).join(", ")}} flagged as revoked` };
}

/** `headers`: name → one or many values; or a list of `name=value`. */
async function revokeByStamps({ node, arguments: args }: CommandContext): Promise<unknown> {
  const headers = Array.isArray(args.headers)
    ? Object.fromEntries(args.headers.map((each) => String(each).split("=", 2)))
    : (args.headers ?? {});
  const how = howOf(args);
  const stamps = Object.entries(headers).flatMap(([name, values]) => listOf(values).map((value) => ({ name, value })));
  await node.revoke(stamps.map((value) => ({ by: "stamp", value, ...how })));
  return { ok: `headers ${safeRepr(headers)} ${how.terminate ? "revoked" : "flagged as revoked, but not terminated"}` };
}
