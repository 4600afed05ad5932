/**
 * What every conformance suite stands on. The suites bring no test runner: hand them `describe` and `it` of yours (vitest,
 * node:test, jest), and a function that makes a server. They wait by polling with a deadline, or by the server's `advance`.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodeInfo } from "../../broker/leases.ts";
import type { Commit, Delivery, Epoch, Outgoing } from "../../message/commit.ts";
import type { ResultBackend, ResultDocument } from "../../results/result-backend.ts";
import type { Store, StoreOptions } from "../../store/store.ts";

export interface TestApi {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** One server, database or keyspace that holds nothing yet and that nobody else uses. */
export interface TestServer {
  /** A fresh connection to it. The case closes it. */
  store(options?: Partial<StoreOptions>): Promise<Store>;
  /** Moves the store's clock; absent where it can't be moved: then time-dependent cases take 50–300 ms of real time. */
  readonly advance?: (ms: number) => void | Promise<void>;
  close(): Promise<void>;
}

export type MakeServer = () => Promise<TestServer>;
export type Suite = (api: TestApi, name: string, make: MakeServer) => void;

/** One case's server with its connections; all are closed when the case ends. */
export interface Bench {
  readonly store: Store;
  connect(options?: Partial<StoreOptions>): Promise<Store>;
  /** Lets `ms` of the store's time go by. */
  pass(ms: number): Promise<void>;
}

/** Makes `it` for cases that get a bench each. */
export function cases(api: TestApi, make: MakeServer): (name: string, body: (bench: Bench) => Promise<void>) => void {
  return (name, body) => {
    api.it(name, async () => {
      const server = await make();
      const stores: Store[] = [];
      const connect = async (options?: Partial<StoreOptions>) => {
        const store = await server.store(options);
        stores.push(store);
        return store;
      };
      try {
        await body({ store: await connect(), connect, pass: (ms) => pass(server, ms) });
      } finally {
        for (const store of stores) await store.close();
        await server.close();
      }
    });
  };
}

async function pass(server: TestServer, ms: number): Promise<void> {
  if (server.advance) await server.advance(ms);
  else await sleep(ms); // there is no signal to await: what is tested is that time went by
}

/** Polls until `look` gives something else than undefined or false. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) assert.fail(`did not happen within 5 s: ${what}`);
    await sleep(5);
  }
}

/** The next value of an iterator, or a failed assertion after 5 s. */
export async function next<T>(iterator: AsyncIterator<T>, what: string): Promise<T> {
  const controller = new AbortController();
  const late = sleep(5_000, "late" as const, { signal: controller.signal }).catch(() => "late" as const);
  const first = await Promise.race([iterator.next(), late]);
  controller.abort();
  if (first === "late") assert.fail(`nothing came within 5 s: ${what}`);
  assert.ok(!first.done, `ended instead: ${what}`);
  return first.value;
}

/** Collects what an endless iterable yields until the case's body ends; then aborts it and waits for its end. */
export async function listening<T>(
  start: (signal: AbortSignal) => AsyncIterable<T>,
  body: (seen: readonly T[]) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const seen: T[] = [];
  const reading = (async () => {
    for await (const value of start(controller.signal)) seen.push(value);
  })();
  try {
    await body(seen);
  } finally {
    controller.abort();
    await reading;
  }
}

/** A watch as something to iterate over; it ends with the store or the signal. */
export async function* watching(results: ResultBackend, ids: readonly string[], signal: AbortSignal): AsyncGenerator<ResultDocument> {
  const seen: ResultDocument[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => undefined;
  const stop = results.watch(ids, {
    saw(found) {
      seen.push(found);
      wake();
    },
    ended(error) {
      failure = { error };
      wake();
    },
  });
  signal.addEventListener("abort", () => wake());
  try {
    while (!signal.aborted && (failure === undefined || seen.length > 0)) {
      const found = seen.shift();
      if (found !== undefined) yield found;
      else if (failure === undefined) await new Promise<void>((resolve) => (wake = resolve));
    }
    if (failure?.error !== undefined) throw failure.error;
  } finally {
    stop();
  }
}

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
export const texts = (deliveries: readonly Delivery[]): readonly string[] => deliveries.map((delivery) => text(delivery.bytes));

/** A message whose bytes are a JSON object that names it, as short as an envelope can be for a store that never reads it. */
export const message = (taskId: string, more: Partial<Outgoing> = {}): Outgoing => ({
  taskId,
  queue: "q",
  priority: 0,
  bytes: body(taskId),
  ...more,
});
export const body = (taskId: string): string => `{"body":"","properties":{"correlation_id":"${taskId}"}}`;

export const ack = (delivery: Delivery, more: Partial<Commit> = {}): Commit => ({
  delivery: delivery.id,
  settle: { kind: "ack" },
  results: [],
  publish: [],
  chords: [],
  chordParts: [],
  ...more,
});

export const result = (taskId: string, state: string, value: unknown = null, expiresMs: number | null = 60_000) => ({
  taskId,
  state,
  document: JSON.stringify({ status: state, result: value, task_id: taskId }),
  expiresMs,
});

let made = 0;
/** A name that no other case of this process uses. */
export const unique = (what: string): string => {
  made += 1;
  return `${what}-${process.pid}-${made}`;
};

export const nodeInfo = (id: string, more: Partial<NodeInfo> = {}): NodeInfo => ({
  id,
  name: "celery@test",
  host: "test",
  bootId: "boot",
  pid: process.pid,
  processStart: null,
  pool: "async",
  slots: 4,
  queues: ["q"],
  tasks: ["t.add"],
  startedAt: 0,
  runners: [],
  ...more,
});

/** A runner reduced to what a store sees of it: an open epoch and a call number that grows. */
export class TestRunner {
  readonly store: Store;
  readonly node: string;
  readonly epoch: Epoch;
  call = 0;

  constructor(store: Store, node: string, epoch: Epoch) {
    this.store = store;
    this.node = node;
    this.epoch = epoch;
  }

  nextCall(count: number, queues: readonly string[] = ["q"]) {
    this.call += 1;
    return { epoch: this.epoch, number: this.call, queues, count };
  }

  async reserve(count: number, queues: readonly string[] = ["q"]): Promise<readonly Delivery[]> {
    const { deliveries } = await this.store.broker.reserve(this.nextCall(count, queues));
    return deliveries;
  }

  async reserveOne(queue = "q"): Promise<Delivery> {
    const [delivery] = await this.reserve(1, [queue]);
    assert.ok(delivery, `queue ${queue} is empty`);
    return delivery;
  }

  async commit(...batch: readonly Commit[]) {
    const { replies } = await this.store.broker.commit(this.epoch, batch);
    return replies.map((reply) => reply.kind);
  }
}

export async function startRunner(store: Store, node = unique("node")): Promise<TestRunner> {
  await store.leases.announce(nodeInfo(node));
  const epoch = unique("epoch");
  await store.leases.open(node, epoch);
  return new TestRunner(store, node, epoch);
}

export const fenced = (code: string) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, code);
  return true;
};

/** The only one of a list that must have exactly one. */
export function only<T>(list: readonly T[]): T {
  assert.equal(list.length, 1);
  return list[0] as T;
}
