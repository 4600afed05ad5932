/** Every key and channel this adapter touches is built here: kombu's, Celery's, and ours under `lovage:<namespace>:`. */
import type { Channel } from "../../broker/bus.ts";
import type { NodeId } from "../../broker/leases.ts";
import type { LimitName } from "../../broker/limits.ts";
import type { NewBinding } from "../../broker/queue-admin.ts";
import type { StateKey } from "../../broker/state-store.ts";
import type { Epoch } from "../../message/commit.ts";
import type { QueueName, TaskId } from "../../message/task-message.ts";
import { bucketOf } from "../priority.ts";
import type { StoreOptions } from "../store.ts";

export type KeyOptions = Pick<StoreOptions, "namespace" | "prioritySteps" | "separator" | "keyPrefix" | "resultKeyPrefix">;

export class Keys {
  readonly #options: KeyOptions;
  readonly #root: string;
  readonly #lists = new Map<QueueName, Map<number, string>>();
  /** Priority steps in the order in which they are emptied. */
  readonly buckets: readonly number[];

  readonly format: string;
  readonly counters: string;
  readonly parked: string;
  readonly parkedDue: string;
  readonly dead: string;
  readonly deadOrder: string;
  readonly deadCounts: string;
  readonly sequence: string;
  readonly nodes: string;
  readonly fleet: string;
  readonly revokesVersion: string;
  readonly revokes: string;
  readonly revokesPlaces: string;
  /** There have been unique keys. */
  readonly uniques: string;
  /** By list, the runner that takes its next message. */
  readonly standby: string;

  constructor(options: KeyOptions) {
    this.#options = options;
    this.buckets = [...new Set(options.prioritySteps.length > 0 ? options.prioritySteps : [0])].sort((a, b) => a - b);
    const root = `${options.keyPrefix}lovage:${options.namespace}:`;
    this.#root = root;
    this.format = `${root}format`;
    this.counters = `${root}counters`;
    this.parked = `${root}parked`;
    this.parkedDue = `${root}parked:due`;
    this.dead = `${root}dead`;
    this.deadOrder = `${root}dead:order`;
    this.deadCounts = `${root}dead:counts`;
    this.sequence = `${root}sequence`;
    this.nodes = `${root}nodes`;
    this.fleet = `${root}fleet`;
    this.revokesVersion = `${root}revokes:version`;
    this.revokes = `${root}revokes`;
    this.revokesPlaces = `${root}revokes:places`;
    this.standby = `${root}standby`;
    this.uniques = `${root}unique`;
  }

  // Ours.
  epoch = (epoch: Epoch): string => `${this.#root}epoch:${epoch}`;
  flight = (epoch: Epoch): string => `${this.#root}flight:${epoch}`;
  holds = (epoch: Epoch): string => `${this.#root}holds:${epoch}`;
  call = (id: string): string => `${this.#root}call:${id}`;
  closedNode = (node: NodeId): string => `${this.#root}node:closed:${node}`;
  nodeEpochs = (node: NodeId): string => `${this.#root}node:epochs:${node}`;
  closedChord = (groupId: string): string => `${this.#root}chord:closed:${groupId}`;
  state = (key: StateKey): string => `${this.#root}state:${key}`;
  tally = (key: StateKey): string => `${this.#root}tally:${key}`;
  limit = (name: LimitName): string => `${this.#root}limit:${name}`;
  called = (id: TaskId): string => `${this.#root}called:${id}`;
  unique = (key: string): string => `${this.#root}unique:${key}`;
  log = (key: StateKey): string => `${this.#root}log:${key}`;

  /** A bus channel; `raw:` stands before one that is to be taken as it is (Celery's pidbox and events). */
  channel(channel: Channel): string {
    return channel.startsWith("raw:") ? channel.slice(4) : `${this.#root}bus:${channel}`;
  }

  /** What all of ours begin with; scripts that find out limits and unique keys by themselves build on it. */
  get root(): string {
    return this.#root;
  }

  // kombu's (celery-wire.md §1.2).
  bucket(priority: number): number {
    return bucketOf(priority, this.buckets);
  }

  list(queue: QueueName, bucket: number): string {
    let lists = this.#lists.get(queue);
    if (!lists) {
      // Reply queues have random names; what is remembered must not grow with them.
      if (this.#lists.size >= 1000) this.#lists.clear();
      lists = new Map();
      this.#lists.set(queue, lists);
    }
    let list = lists.get(bucket);
    if (list === undefined) {
      const { keyPrefix, separator } = this.#options;
      list = bucket === 0 ? keyPrefix + queue : `${keyPrefix}${queue}${separator}${bucket}`;
      lists.set(bucket, list);
    }
    return list;
  }

  lists = (queue: QueueName): readonly string[] => this.buckets.map((bucket) => this.list(queue, bucket));
  get bindings(): string {
    return `${this.#options.keyPrefix}_kombu.binding.`;
  }
  /** What Python's workers have taken and not acknowledged; only ever looked at (celery-wire.md §4.2). */
  get unacked(): string {
    return `${this.#options.keyPrefix}unacked`;
  }
  get unackedIndex(): string {
    return `${this.#options.keyPrefix}unacked_index`;
  }
  /** Of a queue's default exchange, which has its name: routing key, empty pattern, queue. */
  bindingMember(queue: QueueName): string {
    const { separator } = this.#options;
    return `${queue}${separator}${separator}${queue}`;
  }
  /** Celery's events of one routing key, in the databases' fanout namespace (celery-wire.md §1.5, §1.6). */
  eventChannel(database: number, routingKey: string): string {
    return `${this.#options.keyPrefix}/${database}.celeryev/${routingKey}`;
  }
  bindingOf({ queue, exchangeType, routingKey }: NewBinding): string {
    const pattern = exchangeType === "topic" ? topicPattern(routingKey) : "";
    return [routingKey, pattern, queue].join(this.#options.separator);
  }
  get separator(): string {
    return this.#options.separator;
  }
  get prefixBytes(): number {
    return Buffer.byteLength(this.#options.keyPrefix);
  }

  // Celery's result backend (celery-wire.md §5.1, §7.1).
  result = (id: TaskId): string => `${this.#options.resultKeyPrefix}celery-task-meta-${id}`;
  replies = (name: string): string => `${this.#root}replies:${name}`;
  taskset = (groupId: string): string => `${this.#options.resultKeyPrefix}celery-taskset-meta-${groupId}`;
}

/** As kombu writes the pattern of a topic's binding key (celery-wire.md §1.4). */
function topicPattern(key: string): string {
  const words = key.split(".").map((word) => {
    if (word === "*") return ".*?[^\\.]";
    return word === "#" ? ".*?" : word.replace(/[\\^$+?()[\]{}|*]/g, "\\$&");
  });
  return `^${words.join("\\.")}$`;
}
