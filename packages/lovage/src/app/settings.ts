/**
 * Every setting in one table: our name, Celery's name, default, what is accepted, and what it means. Options of `createApp`,
 * the environment, configuration files, flags and the reference page of the documentation are all read from here.
 */
import { leastUrgent } from "../kernel/priority.ts";
import type { DeadLetterPolicy } from "../task/task-options.ts";
import { celeryName, type Kind, kinds } from "./setting-kinds.ts";

export interface SettingRow<T, Input = unknown> {
  /** null: a setting of our own. */
  readonly celery: string | null;
  readonly default: T;
  /** Celery's default where ours is safer, for the reference page. */
  readonly celeryDefault?: unknown;
  readonly kind: Kind<T, Input>;
  /** May carry a password. */
  readonly secret?: boolean;
  /** Further names under which it is accepted. */
  readonly aliases?: readonly string[];
  readonly doc: string;
}

function row<T, Input>(fields: SettingRow<T, Input>): SettingRow<T, Input> {
  return fields;
}

export const settingsTable = {
  broker: row({
    celery: "broker_url",
    default: "sqlite:./lovage.db",
    celeryDefault: "amqp://",
    kind: kinds.url,
    secret: true,
    aliases: ["brokerUrl"],
    doc: "Where messages are: sqlite:<file>, redis://…, rediss://…, redis+socket://…, memory:.",
  }),
  resultBackend: row({
    celery: "result_backend",
    default: null,
    kind: kinds.nullable(kinds.url),
    secret: true,
    doc: "Where results are; null: with the broker. In this release it has to be the broker's server.",
  }),
  state: row({
    celery: null,
    default: null,
    kind: kinds.nullable(kinds.url),
    secret: true,
    doc: "Where jobs, progress and once-keys are; null: with the broker. May be another database or server.",
  }),
  publishFallback: row({
    celery: null,
    default: "throw",
    kind: kinds.oneOf("throw", "spool", "inline"),
    doc: 'What becomes of a send while the broker is away: "throw" an error after `deadlineMs`; "spool": it is kept on this machine and goes out when the broker is back; "inline": it runs in this process (in code only, as `inlineFallback()` of "lovage/worker").',
  }),
  spool: row({
    celery: null,
    default: "sqlite:./lovage-spool.db",
    kind: kinds.url,
    secret: true,
    doc: 'Where `publishFallback: "spool"` keeps what waits: a file on a disk of this machine.',
  }),
  namespace: row({
    celery: null,
    default: "default",
    kind: kinds.text,
    doc: "First part of our own keys: fleets of different namespaces on one server do not see each other's nodes.",
  }),
  taskDefaultQueue: row({
    celery: "task_default_queue",
    default: "celery",
    kind: kinds.text,
    doc: "Queue of tasks that no route names.",
  }),
  taskQueues: row({
    celery: "task_queues",
    default: null,
    kind: kinds.nullable(kinds.list),
    aliases: ["queues"],
    doc: "Queues that exist. null: any name creates one. Else sending elsewhere is an error, and workers consume these.",
  }),
  taskRoutes: row({
    celery: "task_routes",
    default: [],
    kind: kinds.routes,
    aliases: ["routes"],
    doc: "Task name or glob → queue or { queue, priority }; or functions (name, args, kwargs) → the same. First match in order.",
  }),
  taskDefaultPriority: row({
    celery: "task_default_priority",
    default: null,
    kind: kinds.nullable(kinds.whole(0, leastUrgent)),
    doc: "0 is most urgent. null: 0.",
  }),
  taskInheritParentPriority: row({
    celery: "task_inherit_parent_priority",
    default: false,
    kind: kinds.flag,
    doc: "What a run sends gets the run's own priority unless it says otherwise.",
  }),
  taskAcksLate: row({
    celery: "task_acks_late",
    default: true,
    celeryDefault: false,
    kind: kinds.flag,
    doc: "Acknowledge when the task has ended: a task whose runner dies is run again. false: when it starts; it is then lost with its runner.",
  }),
  taskRejectOnWorkerLost: row({
    celery: "task_reject_on_worker_lost",
    default: true,
    celeryDefault: null,
    kind: kinds.flag,
    doc: "A late-acknowledged task whose runner died goes back to its queue, up to maxDeliveries.",
  }),
  taskTimeLimit: row({
    celery: "task_time_limit",
    default: null,
    kind: kinds.nullable(kinds.seconds),
    doc: "Hard limit of a run. Seconds, or text with a unit. null: none.",
  }),
  taskSoftTimeLimit: row({
    celery: "task_soft_time_limit",
    default: null,
    kind: kinds.nullable(kinds.seconds),
    doc: "After this a run's signal aborts with SoftTimeLimitError. Seconds, or text with a unit. null: none.",
  }),
  taskTrackStarted: row({
    celery: "task_track_started",
    default: false,
    kind: kinds.flag,
    doc: "Store STARTED, with pid and node, when a run begins.",
  }),
  taskDefaultRateLimit: row({
    celery: "task_default_rate_limit",
    default: null,
    kind: kinds.nullable(kinds.rate),
    doc: "How often each task without a rate limit of its own may start on one node: per second, or 10/s, 100/m, 5/h. null or 0: no limit.",
  }),
  workerDisableRateLimits: row({
    celery: "worker_disable_rate_limits",
    default: false,
    kind: kinds.flag,
    doc: "Start tasks as if they had no rate limits.",
  }),
  taskIgnoreResult: row({ celery: "task_ignore_result", default: false, kind: kinds.flag, doc: "Store no results." }),
  taskStoreErrorsEvenIfIgnored: row({
    celery: "task_store_errors_even_if_ignored",
    default: false,
    kind: kinds.flag,
    doc: "Store failures of tasks whose results are ignored.",
  }),
  taskAllowErrorCbOnChordHeader: row({
    celery: "task_allow_error_cb_on_chord_header",
    default: false,
    kind: kinds.flag,
    doc: "Errbacks of a chord are linked to each task of its header too, without the failed task's id.",
  }),
  typedValues: row({
    celery: null,
    default: true,
    kind: kinds.flag,
    doc: "Write dates, bytes, big integers and UUIDs as Celery ≥ 5.3 does. false where workers of 5.2 read them.",
  }),
  resultExpires: row({
    celery: "result_expires",
    default: 86_400,
    kind: kinds.nullable(kinds.seconds),
    doc: "How long results are kept. Seconds, or text with a unit. null or 0: for ever.",
  }),
  resultExtended: row({
    celery: "result_extended",
    default: false,
    kind: kinds.flag,
    doc: "Store name, arguments, node, retries and queue with each result.",
  }),
  visibilityTimeout: row({
    celery: "broker_transport_options.visibility_timeout",
    default: null,
    kind: kinds.nullable(kinds.seconds),
    doc: "Accepted for Python's sake: our tasks may run as long as they like without being delivered twice.",
  }),
  brokerTransportOptions: row({
    celery: "broker_transport_options",
    default: {},
    kind: kinds.table,
    doc: "prioritySteps, sep, globalKeyprefix, visibilityTimeout; must be the same on both sides.",
  }),
  resultBackendTransportOptions: row({
    celery: "result_backend_transport_options",
    default: {},
    kind: kinds.table,
    doc: "globalKeyprefix, resultChordOrdered; must be the same on both sides.",
  }),
  deadlineMs: row({
    celery: null,
    default: 2000,
    kind: kinds.whole(1, 3_600_000),
    aliases: ["publishDeadlineMs"],
    doc: "Milliseconds that sending or reading may take before it ends in BrokerUnavailableError.",
  }),
  allowEviction: row({
    celery: null,
    default: false,
    kind: kinds.flag,
    doc: "Start workers also on a Redis whose maxmemory-policy (allkeys-…) drops queues when it is full.",
  }),
  maxPayloadBytes: row({
    celery: null,
    default: 8_388_608,
    kind: kinds.whole(1024, 512 * 1024 * 1024),
    doc: "Bytes of one message; more is refused when sent.",
  }),
  maxDeliveries: row({
    celery: null,
    default: 3,
    kind: kinds.whole(1, 1_000_000),
    doc: "How often a message may kill its runner before it is dead-lettered.",
  }),
  maxLost: row({
    celery: null,
    default: 10,
    kind: kinds.whole(1, 1_000_000),
    doc: "How often a message may be given back without being to blame (deploys, lost nodes) before it is dead-lettered.",
  }),
  taskDeadLetter: row({
    celery: null,
    default: "exhausted" as DeadLetterPolicy,
    kind: kinds.oneOf<DeadLetterPolicy>("exhausted", "failures", "never"),
    doc: "Which failures of tasks are kept as dead letters: those whose retries are used up, all, or none. A task may say otherwise.",
  }),
  deadLetterMax: row({
    celery: null,
    default: 10_000,
    kind: kinds.nullable(kinds.whole(0, Number.MAX_SAFE_INTEGER)),
    doc: "Dead letters that are kept; beyond it the oldest are dropped, counted and logged. null: no limit.",
  }),
  deadLetterExpires: row({
    celery: null,
    default: 2_592_000,
    kind: kinds.nullable(kinds.seconds),
    doc: "How long dead letters are kept. Seconds, or text with a unit. null: for ever.",
  }),
  transitionsKept: row({
    celery: null,
    default: 0,
    kind: kinds.whole(0, 100_000_000),
    doc: "How many transitions of tasks the store keeps for `app.transitions()`; the oldest are dropped. 0: none are written.",
  }),
  killAfterMs: row({
    celery: null,
    default: 10_000,
    kind: kinds.whole(0, 3_600_000),
    doc: "Milliseconds that a cancelled run gets to stop by itself before it is killed.",
  }),
  workerSendTaskEvents: row({
    celery: "worker_send_task_events",
    default: false,
    kind: kinds.flag,
    doc: "Workers say what becomes of tasks (task-received, task-started, …) to whoever listens: `-E`. Costs next to nothing while nobody does.",
  }),
  taskSendSentEvent: row({
    celery: "task_send_sent_event",
    default: false,
    kind: kinds.flag,
    doc: "Senders say task-sent of every task.",
  }),
  workerPool: row({
    celery: "worker_pool",
    default: "async",
    celeryDefault: "prefork",
    kind: kinds.text,
    aliases: ["pool"],
    doc: "async, processes, threads, solo or inline; Celery's names are accepted too.",
  }),
  workerConcurrency: row({
    celery: "worker_concurrency",
    default: null,
    kind: kinds.nullable(kinds.whole(1, 100_000)),
    aliases: ["concurrency"],
    doc: "Slots. null: what the pool thinks right.",
  }),
  workerPrefetchMultiplier: row({
    celery: "worker_prefetch_multiplier",
    default: 1,
    celeryDefault: 4,
    kind: kinds.whole(1, 10_000),
    doc: "Deliveries per slot, the running one included: 1 = never a message that waits behind another.",
  }),
  workerLowestFirstEvery: row({
    celery: null,
    default: null,
    kind: kinds.nullable(kinds.whole(2, 1_000_000)),
    doc: "Every so many-th time a runner asks for messages it begins at the least urgent priority, so that these do not starve. null: strict order.",
  }),
  workerMaxTasksPerChild: row({
    celery: "worker_max_tasks_per_child",
    default: null,
    kind: kinds.nullable(kinds.whole(1, Number.MAX_SAFE_INTEGER)),
    doc: "A runner is replaced after this many tasks, in every pool.",
  }),
  workerMaxMemoryPerChild: row({
    celery: "worker_max_memory_per_child",
    default: null,
    kind: kinds.nullable(kinds.whole(1, Number.MAX_SAFE_INTEGER)),
    doc: "KiB. A runner above it is replaced between tasks, in every pool.",
  }),
  workerHardMemoryPerChild: row({
    celery: null,
    default: null,
    kind: kinds.nullable(kinds.whole(1, Number.MAX_SAFE_INTEGER)),
    doc: "KiB. A runner above it is ended in the middle of its task, which counts as its death. RSS of a process; heap of a thread in the pool threads.",
  }),
  workerPoolRestarts: row({
    celery: "worker_pool_restarts",
    default: false,
    kind: kinds.flag,
    doc: "`pool_restart` of remote control replaces all runners, each when it has finished what it runs.",
  }),
  workerShutdownTimeout: row({
    celery: null,
    default: 25,
    kind: kinds.nullable(kinds.seconds),
    doc: "How long a warm stop waits for what runs before it gives it back. Seconds, or text with a unit. null: for ever, as Celery does.",
  }),
  workerSoftShutdownTimeout: row({
    celery: "worker_soft_shutdown_timeout",
    default: 0,
    kind: kinds.seconds,
    doc: "How long what runs may go on before a cold stop (SIGQUIT, a second signal). Seconds, or text with a unit.",
  }),
  workerHealthPort: row({
    celery: null,
    default: null,
    kind: kinds.nullable(kinds.whole(0, 65_535)),
    doc: "Port of GET /livez and GET /readyz of each node. 0: any that is free. null: none.",
  }),
  workerHealthHost: row({
    celery: null,
    default: "127.0.0.1",
    kind: kinds.text,
    doc: "Address that workerHealthPort is opened on. 0.0.0.0 where probes come from outside, as in Kubernetes.",
  }),
  workerHealthFile: row({
    celery: null,
    default: null,
    kind: kinds.nullable(kinds.text),
    doc: "File that each node rewrites every 2 s with what /readyz says, for `lovage health --health-file`. null: none.",
  }),
  workerTaskLog: row({
    celery: null,
    default: false,
    kind: kinds.flag,
    doc: "Log every task as it is received, started and has succeeded, at level info. Failures and retries are logged in any case.",
  }),
  workerRedirectStdouts: row({
    celery: "worker_redirect_stdouts",
    default: null,
    celeryDefault: true,
    kind: kinds.nullable(kinds.flag),
    doc: "What tasks print becomes log lines with the task's facts. null: where the log is JSON.",
  }),
  profiles: row({
    celery: null,
    default: {},
    kind: kinds.table,
    doc: "Named sets of worker options: `lovage worker --profile gpu`.",
  }),
} as const;

export type SettingName = keyof typeof settingsTable;
/** As they may be written in `createApp` and in a configuration file. */
export type SettingsInput = {
  readonly [K in SettingName]?: (typeof settingsTable)[K] extends SettingRow<infer _T, infer Input> ? Input : never;
};
export type Settings = {
  readonly [K in SettingName]: (typeof settingsTable)[K] extends SettingRow<infer T, infer _Input> ? T : never;
};

/** Every name that a setting answers to: its own, its aliases, Celery's in snake case. */
export const settingAliases: ReadonlyMap<string, SettingName> = new Map(
  (Object.keys(settingsTable) as SettingName[]).flatMap((name) => {
    const { aliases = [], celery } = settingsTable[name] as SettingRow<unknown>;
    const celeryNames = celery === null || celery.includes(".") ? [] : [celery, celeryName(celery)];
    return [name, ...aliases, ...celeryNames].map((alias) => [alias, name] as const);
  }),
);
