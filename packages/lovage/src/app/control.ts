/**
 * `app.control`: questions and commands to running nodes, Python's workers and ours alike, over Celery's remote control
 * (celery-wire.md §10). Each method resolves with what the nodes said; a node that is away, or too busy, is not in it.
 */
import type { ControlLink } from "../control/control-link.ts";
import type { Done, InspectMethods, Refused } from "../control/replies.ts";
import type { Store } from "../store/store.ts";

/** Node name → what it answered. */
export type NodeReplies<T> = Readonly<Record<string, T | Refused>>;

export interface Audience {
  /** Node names such as `celery@host`. @defaultValue all nodes */
  readonly destination?: string | readonly string[];
  /** Instead: the nodes whose names match. */
  readonly pattern?: string;
  /** What the pattern is: `*` and `?` as in file names, or a regular expression from the name's start. @defaultValue "glob" */
  readonly matcher?: "glob" | "pcre";
}

export interface AskOptions extends Audience {
  /** Milliseconds to wait for answers. It ends sooner when all that heard the question have answered. @defaultValue 1000 */
  readonly timeoutMs?: number;
  /** End after so many answers. */
  readonly limit?: number;
  /** Hears of each answer as it comes. */
  readonly onReply?: (node: string, answer: unknown) => void;
}

export interface CommandOptions extends AskOptions {
  /** false: only say it, and wait for nobody; it resolves with no answers. @defaultValue true */
  readonly reply?: boolean;
}

export interface AddConsumerOptions extends CommandOptions {
  /** @defaultValue the queue's name */
  readonly exchange?: string;
  /** @defaultValue "direct" */
  readonly exchangeType?: string;
  /** @defaultValue the queue's name */
  readonly routingKey?: string;
  /** Further options of the queue, by Celery's names. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface ControlRevokeOptions extends CommandOptions {
  /** Stop it if it runs, too. @defaultValue false */
  readonly terminate?: boolean;
  /** @defaultValue "SIGTERM" */
  readonly signal?: string;
}

type Arguments = Readonly<Record<string, unknown>>;
type Replies = Promise<NodeReplies<Done>>;

/** All of them throw {BrokerUnavailableError} LOVAGE_BROKER_UNAVAILABLE where the store does not answer. */
export class AppControl {
  readonly #store: () => Promise<Store>;

  constructor(store: () => Promise<Store>) {
    this.#store = store;
  }

  /**
   * Asks nodes about themselves; changes nothing.
   * @example await app.control.inspect("active", { safe: true }, { destination: "gpu@host" })
   */
  inspect<M extends keyof InspectMethods>(
    method: M,
    args?: InspectMethods[M]["takes"],
    options?: AskOptions,
  ): Promise<NodeReplies<InspectMethods[M]["gives"]>>;
  /** A method that the nodes' owner added. */
  inspect(method: string, args?: Arguments, options?: AskOptions): Promise<NodeReplies<unknown>>;
  inspect(method: string, args: Arguments = {}, options: AskOptions = {}): Promise<NodeReplies<never>> {
    return this.#ask(method, args, options);
  }

  /** Any command by its name on the wire, one that the nodes' owner added too. */
  broadcast(method: string, args: Arguments = {}, options: CommandOptions = {}): Promise<NodeReplies<unknown>> {
    return this.#ask(method, args, options);
  }

  /** Which nodes are there. */
  ping(options?: AskOptions): Promise<NodeReplies<{ readonly ok: "pong" }>> {
    return this.inspect("ping", {}, options);
  }

  /**
   * Refuses tasks by id on every node that hears it. `app.revoke` tells all nodes of ours, those that are down too, and none of
   * Python's: this one tells Python's workers, and the first of ours that hears it makes it durable.
   */
  revoke(taskId: string | readonly string[], { terminate = false, signal = "SIGTERM", ...how }: ControlRevokeOptions = {}): Replies {
    return this.#ask("revoke", { task_id: taskId, terminate, signal }, how);
  }

  /** `revoke` with `terminate`: what runs is stopped. */
  terminate(taskId: string | readonly string[], options: Omit<ControlRevokeOptions, "terminate"> = {}): Replies {
    return this.revoke(taskId, { ...options, terminate: true });
  }

  /** Refuses tasks by their stamps: name → one value or several. Python's workers have it since 5.3. */
  revokeByStampedHeaders(
    headers: Readonly<Record<string, unknown>>,
    { terminate = false, signal = "SIGTERM", ...how }: ControlRevokeOptions = {},
  ): Replies {
    return this.#ask("revoke_by_stamped_headers", { headers, terminate, signal }, how);
  }

  /** A new rate limit of a task on each node: `"10/m"`; 0: none. Lasts until the node ends. */
  rateLimit(task: string, rate: number | string, options: CommandOptions = {}): Replies {
    return this.#ask("rate_limit", { task_name: task, rate_limit: rate }, options);
  }

  /** New time limits of a task in seconds; null: none. Lasts until the node ends. */
  timeLimit(
    task: string,
    { soft = null, hard = null }: { readonly soft?: number | null; readonly hard?: number | null },
    options: CommandOptions = {},
  ): Replies {
    return this.#ask("time_limit", { task_name: task, soft, hard }, options);
  }

  /** Consume from one more queue. */
  addConsumer(queue: string, options: AddConsumerOptions = {}): Replies {
    const { exchange, exchangeType = "direct", routingKey, options: more = {}, ...how } = options;
    const args = { queue, exchange: exchange ?? null, exchange_type: exchangeType, routing_key: routingKey ?? null, ...more };
    return this.#ask("add_consumer", args, how);
  }

  /** Consume from this queue no more. */
  cancelConsumer(queue: string, options: CommandOptions = {}): Replies {
    return this.#ask("cancel_consumer", { queue }, options);
  }

  /** More tasks at a time. */
  poolGrow(n = 1, options: CommandOptions = {}): Replies {
    return this.#ask("pool_grow", { n }, options);
  }

  /** Fewer tasks at a time. */
  poolShrink(n = 1, options: CommandOptions = {}): Replies {
    return this.#ask("pool_shrink", { n }, options);
  }

  /** New processes or threads for all that run tasks. `modules` and `reload` are Python's: what to import anew. */
  poolRestart({
    modules = null,
    reload = false,
    ...how
  }: CommandOptions & { readonly modules?: readonly string[] | null; readonly reload?: boolean } = {}): Replies {
    return this.#ask("pool_restart", { modules, reload, reloader: null }, how);
  }

  /** The range that a node which was started with `--autoscale` keeps its size in. */
  autoscale(range: { readonly max?: number; readonly min?: number }, options: CommandOptions = {}): Replies {
    return this.#ask("autoscale", { max: range.max ?? null, min: range.min ?? null }, options);
  }

  /** Send events of tasks from now on. */
  enableEvents(options: CommandOptions = {}): Replies {
    return this.#ask("enable_events", {}, options);
  }

  /** Send no events of tasks any more. */
  disableEvents(options: CommandOptions = {}): Replies {
    return this.#ask("disable_events", {}, options);
  }

  /** Send a heartbeat event now. Nodes answer with null. */
  heartbeat(options: CommandOptions = {}): Promise<NodeReplies<null>> {
    return this.#ask("heartbeat", {}, options);
  }

  /** Celery's election among Python's workers: the one that wins acts on `action`, a signature for the topic "task". */
  async election(id: string, topic: string, action: unknown = null): Promise<void> {
    await this.#ask("election", { id, topic, action }, { reply: false });
  }

  /** Stop warm: finish what runs, take nothing more, end. No node answers this. */
  async shutdown(audience: Audience = {}): Promise<void> {
    await this.#ask("shutdown", {}, { ...audience, reply: false });
  }

  async #ask(method: string, args: Arguments, options: CommandOptions): Promise<NodeReplies<never>> {
    const { reply = true, destination, ...how } = options;
    const question = { ...how, method, arguments: args, ...(destination !== undefined && { destination: [destination].flat() }) };
    // Loaded with the first question: most who send tasks never ask one.
    const { ask, tell } = await import("../control/ask.ts");
    const link = await controlLink(await this.#store());
    if (reply) return (await ask(link, question)) as NodeReplies<never>;
    await tell(link, question);
    return {};
  }
}

/** Where the nodes of this store are heard and spoken to. */
export async function controlLink(store: Store): Promise<ControlLink> {
  if (store.pidbox) return store.pidbox;
  const { busLink } = await import("../control/control-link.ts");
  return busLink(store.bus, async () => (await store.leases.fleet()).nodes.length);
}
