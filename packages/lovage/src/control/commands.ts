/** What a node answers to remote control: one function per method, by Celery's names (celery-wire.md §10.4). The rest is refused politely. */
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
  /** Answered while user code loops. */
  active(): Promise<readonly ActiveRun[]>;
  /** Names of tasks. */
  registered(): readonly string[];
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
  ["clock", ({ clock }) => ({ clock })],
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

/** `celery.*` only when asked for. Celery adds attributes that are not null (`name [rate_limit=10/m]`); tasks here have none of them. */
function registered({ node, arguments: args }: CommandContext): readonly string[] {
  return node
    .registered()
    .filter((name) => args.builtins === true || !name.startsWith("celery."))
    .sort();
}
