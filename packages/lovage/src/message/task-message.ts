/**
 * A task message as the rest of Lovage sees it: what the envelope, headers and body of either protocol say, under one
 * set of names. Wire facts: celery-wire.md §1–2, §6.1. Pure data; the codecs beside this file make it from bytes and back.
 */
import type { Backoff } from "../kernel/backoff.ts";

export type TaskId = string;
export type QueueName = string;

/** Celery's signature dictionary, with its own snake_case keys: it travels inside messages as it stands here (§6.1). */
export interface Signature {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly options: SignatureOptions;
  readonly subtask_type: "chain" | "group" | "chord" | "xmap" | "xstarmap" | "chunks" | null;
  readonly immutable: boolean;
}

/** Options of a signature by Celery's names; stamps and unknown keys are kept. A null value means "not given". */
export interface SignatureOptions {
  readonly task_id?: TaskId | null;
  readonly group_id?: string | null;
  readonly group_index?: number | null;
  readonly root_id?: TaskId | null;
  readonly parent_id?: TaskId | null;
  readonly chord?: Signature | null;
  readonly chain?: readonly Signature[] | null;
  readonly link?: readonly Signature[] | Signature | null;
  readonly link_error?: readonly Signature[] | Signature | null;
  /** Seconds. */
  readonly countdown?: number | null;
  /** Absolute ISO text; a date where Python wrote a typed one. */
  readonly eta?: string | Date | null;
  /** Seconds, or an absolute time as above. */
  readonly expires?: number | string | Date | null;
  readonly queue?: QueueName | null;
  readonly priority?: number | null;
  readonly retries?: number | null;
  /** Seconds. */
  readonly time_limit?: number | null;
  readonly soft_time_limit?: number | null;
  readonly ignore_result?: boolean | null;
  readonly shadow?: string | null;
  readonly reply_to?: string | null;
  readonly headers?: Readonly<Record<string, unknown>> | null;
  readonly replaced_task_nesting?: number | null;
  readonly stamped_headers?: readonly string[] | null;
  readonly lovage?: LovageProperties;
  readonly [key: string]: unknown;
}

export interface TaskMessage {
  readonly id: TaskId;
  readonly task: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Sent with the result when this task succeeds; in the order given (`link`). */
  readonly callbacks: readonly Signature[];
  /** Called when this task fails (`link_error`). */
  readonly errbacks: readonly Signature[];
  /** What still has to run after this task, **last element first to run**, as on the wire; null: not part of a chain. */
  readonly chain: readonly Signature[] | null;
  /** The body of the chord that this task is a member of. */
  readonly chord: Signature | null;

  readonly rootId: TaskId | null;
  readonly parentId: TaskId | null;
  readonly groupId: string | null;
  readonly groupIndex: number | null;
  readonly retries: number;
  /** Absolute ISO text as it stood on the wire; `parseWireTime` reads it. */
  readonly eta: string | null;
  readonly expires: string | null;
  /** Seconds. On the wire: `timelimit: [hard, soft]`. */
  readonly timeLimit: number | null;
  readonly softTimeLimit: number | null;
  /** null: the task's own setting decides. */
  readonly ignoreResult: boolean | null;
  readonly shadow: string | null;
  readonly argsrepr: string;
  readonly kwargsrepr: string;
  readonly origin: string | null;
  readonly lang: string | null;
  readonly replacedTaskNesting: number;
  readonly stampedHeaders: readonly string[] | null;
  readonly stamps: Readonly<Record<string, unknown>>;
  /** Headers that Celery does not know, the user's own; a retry sends them again. */
  readonly headers: Readonly<Record<string, unknown>>;

  readonly correlationId: string | null;
  readonly replyTo: string;
  readonly priority: number;
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  /** Ours, under `properties.lovage`, which Python carries and never reads. */
  readonly lovage: LovageProperties;
  /** Every other property that stood on the wire. */
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface LovageProperties {
  /** How often it was the cause of its runner's death. At `maxDeliveries` it is dead-lettered. */
  readonly deaths?: number;
  /** How often it was among several in a runner that died: it runs alone until it is known whether it was the cause. */
  readonly suspected?: number;
  /** How often it was given back without being to blame (deploys, lost nodes, neighbours of a death). */
  readonly lost?: number;
  /** The dead letter that it was before it was replayed. */
  readonly replayedFrom?: string;
  /** How often its name was unknown where it arrived. */
  readonly unknown?: number;
  /** A call's own retry numbers, over those of the task. */
  readonly retry?: RetryOverride;
  /** The key that this task has, and until when: its start, or its end. */
  readonly unique?: { readonly key: string; readonly until: "start" | "done" };
  /** Names the channel of its sender, where its result is told besides. */
  readonly replyTo?: string;
  /** In a signature: what its caller wants in place of what its task says. */
  readonly uniqueBy?: UniqueRequest | false;
}

export interface UniqueRequest {
  /** Calls with the same are the same. Absent: as the task says, or all arguments. */
  readonly key?: string;
  readonly until?: "start" | "done";
  readonly forMs?: number;
}

export interface RetryOverride {
  /** null: without end. */
  readonly max?: number | null;
  readonly backoff?: Backoff;
}
