/** What nodes answer to the methods that every node has (celery-wire.md §10.4), as their callers see it. Types only. */

/** A method that failed, or that the node does not have. */
export interface Refused {
  readonly error: string;
}

export interface Done {
  readonly ok: string;
}

/** A message that a node holds. `args` and `kwargs` are text where the question said `safe`. */
export interface TaskInfo {
  readonly id: string;
  readonly name: string;
  readonly args: unknown;
  readonly kwargs: unknown;
  readonly type: string;
  readonly hostname: string;
  /** Seconds since 1970; null: it has not started. */
  readonly time_start: number | null;
  readonly acknowledged: boolean;
  readonly delivery_info: {
    readonly exchange: string | null;
    readonly routing_key: string | null;
    readonly priority: number | null;
    readonly redelivered: boolean | null;
  };
  readonly worker_pid: number | null;
}

export interface ScheduledTask {
  /** ISO 8601. */
  readonly eta: string;
  readonly priority: number;
  readonly request: TaskInfo;
}

/** Only what every node says; there is more, and it differs between kinds of nodes. */
export interface QueueInfo {
  readonly name: string;
  readonly exchange: { readonly name: string; readonly type: string; readonly [name: string]: unknown };
  readonly routing_key: string;
  readonly [name: string]: unknown;
}

export interface NodeStats {
  readonly pid: number;
  /** The Lamport clock, as text. */
  readonly clock: string;
  /** Seconds. */
  readonly uptime: number;
  /** Tasks accepted since the start, by name. */
  readonly total: Readonly<Record<string, number>>;
  readonly prefetch_count: number;
  readonly pool: { readonly "max-concurrency": number; readonly processes?: readonly number[]; readonly [name: string]: unknown };
  readonly broker: Readonly<Record<string, unknown>>;
  readonly rusage?: Readonly<Record<string, number>> | string;
  readonly [name: string]: unknown;
}

/** Method → what it takes and what one node answers. */
export interface InspectMethods {
  readonly ping: { readonly takes: Record<never, never>; readonly gives: { readonly ok: "pong" } };
  readonly stats: { readonly takes: Record<never, never>; readonly gives: NodeStats };
  readonly active: { readonly takes: { readonly safe?: boolean | null }; readonly gives: readonly TaskInfo[] };
  readonly reserved: { readonly takes: { readonly safe?: boolean | null }; readonly gives: readonly TaskInfo[] };
  readonly scheduled: { readonly takes: Record<never, never>; readonly gives: readonly ScheduledTask[] };
  readonly revoked: { readonly takes: Record<never, never>; readonly gives: readonly string[] };
  readonly registered: {
    /** `taskinfoitems`: attributes to show after each name. `builtins`: the names that begin with `celery.` too. */
    readonly takes: { readonly taskinfoitems?: readonly string[] | null; readonly builtins?: boolean };
    readonly gives: readonly string[];
  };
  readonly active_queues: { readonly takes: Record<never, never>; readonly gives: readonly QueueInfo[] };
  readonly conf: { readonly takes: { readonly with_defaults?: boolean }; readonly gives: Readonly<Record<string, unknown>> };
  readonly report: { readonly takes: Record<never, never>; readonly gives: Done };
  readonly query_task: {
    readonly takes: { readonly ids: string | readonly string[] };
    /** Ids that the node does not hold are left out. */
    readonly gives: Readonly<Record<string, readonly [state: "active" | "reserved" | "ready", task: TaskInfo]>>;
  };
  readonly clock: { readonly takes: Record<never, never>; readonly gives: { readonly clock: number } };
  readonly memsample: { readonly takes: Record<never, never>; readonly gives: string | null };
  readonly memdump: { readonly takes: { readonly samples?: number }; readonly gives: string };
  readonly objgraph: {
    readonly takes: { readonly num?: number; readonly max_depth?: number; readonly type?: string };
    readonly gives: { readonly filename: string };
  };
}
