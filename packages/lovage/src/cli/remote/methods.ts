/** What the command line knows of each method of remote control: Celery's names, and which words follow them (celery-wire.md §10.4, §10.5). */

export interface Word {
  readonly name: string;
  readonly kind: "text" | "number" | "whole" | "boolean";
  readonly required?: true;
}

export interface Method {
  readonly summary: string;
  readonly words?: readonly Word[];
  /** Name of the argument that takes all words which are left, as a list. */
  readonly rest?: { readonly name: string; readonly required?: true };
  /** Nodes end without an answer. */
  readonly silent?: true;
  /** In place of one second. */
  readonly timeoutSeconds?: number;
}

export type MethodKind = "inspect" | "control";

const text = (name: string): Word => ({ name, kind: "text" });
const whole = (name: string): Word => ({ name, kind: "whole" });
const number = (name: string): Word => ({ name, kind: "number" });
const needed = (name: string): Word => ({ name, kind: "text", required: true });

const inspect: Readonly<Record<string, Method>> = {
  active: { summary: "tasks that run" },
  active_queues: { summary: "queues that nodes consume from" },
  clock: { summary: "the logical clock" },
  conf: { summary: "settings, those that stand at their defaults too if asked", words: [{ name: "with_defaults", kind: "boolean" }] },
  memdump: { summary: "what memsample has seen", words: [whole("samples")] },
  memsample: { summary: "memory in use" },
  objgraph: {
    summary: "a graph of live objects (Python only)",
    words: [text("type"), whole("num"), whole("max_depth")],
    timeoutSeconds: 60,
  },
  ping: { summary: "who is there" },
  query_task: { summary: "where these tasks are", rest: { name: "ids", required: true } },
  registered: { summary: "tasks that nodes know, with these attributes", rest: { name: "taskinfoitems" } },
  report: { summary: "versions and settings, as text" },
  reserved: { summary: "tasks that nodes hold and have not started" },
  revoked: { summary: "ids of tasks that are refused" },
  scheduled: { summary: "tasks that wait for their time" },
  stats: { summary: "pids, pools, counts of tasks, use of the machine" },
};

const control: Readonly<Record<string, Method>> = {
  add_consumer: {
    summary: "consume from one more queue",
    words: [needed("queue"), text("exchange"), text("exchange_type"), text("routing_key")],
  },
  autoscale: { summary: "change the range of a node that scales by itself", words: [whole("max"), whole("min")] },
  cancel_consumer: { summary: "consume from a queue no more", words: [needed("queue")] },
  disable_events: { summary: "send no events of tasks" },
  election: { summary: "let Python's workers elect one", words: [needed("id"), needed("topic"), text("action")] },
  enable_events: { summary: "send events of tasks" },
  heartbeat: { summary: "send a heartbeat event now" },
  pool_grow: { summary: "run more tasks at a time", words: [whole("n")] },
  pool_restart: { summary: "start the pool anew" },
  pool_shrink: { summary: "run fewer tasks at a time", words: [whole("n")] },
  rate_limit: { summary: "limit how often a task starts on each node, such as 10/m", words: [needed("task_name"), needed("rate_limit")] },
  revoke: { summary: "refuse tasks", rest: { name: "task_id", required: true } },
  revoke_by_stamped_headers: { summary: "refuse tasks by stamps, name=value", rest: { name: "headers", required: true } },
  shutdown: { summary: "stop nodes warm", silent: true },
  terminate: { summary: "refuse tasks, and stop those that run", words: [needed("signal")], rest: { name: "task_id", required: true } },
  time_limit: {
    summary: "change a task's time limits, in seconds",
    words: [needed("task_name"), number("soft"), number("hard")],
  },
};

export const methods: Readonly<Record<MethodKind, Readonly<Record<string, Method>>>> = { inspect, control };

/** Older names, which the wire still has. */
const aliases: Readonly<Record<string, string>> = {
  dump_active: "active",
  dump_conf: "conf",
  dump_reserved: "reserved",
  dump_revoked: "revoked",
  dump_schedule: "scheduled",
  dump_tasks: "registered",
};

/** As it travels: `rate-limit` is `rate_limit`. */
export function methodName(given: string): string {
  const name = given.replaceAll("-", "_");
  return aliases[name] ?? name;
}

/** `rate_limit <task_name> <rate_limit>` */
export function signatureOf(name: string, { words = [], rest }: Method): string {
  const shown = (word: string, required: true | undefined) => (required ? `<${word}>` : `[${word}]`);
  const parts = [...words.map((word) => shown(word.name, word.required)), ...(rest ? [shown(`${rest.name}...`, rest.required)] : [])];
  return [name, ...parts].join(" ");
}
