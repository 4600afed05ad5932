/**
 * A store against a model of it that fits on a page: any sequence of steps, and after each both must hold the same messages in
 * the same places. The steps are plain data, so that a property-testing library of the caller's can make and shrink them.
 */
import assert from "node:assert/strict";
import type { Commit, Delivery, Settle } from "../../message/commit.ts";
import type { Store } from "../../store/store.ts";
import { ack, message, startRunner, type TestRunner, text } from "./harness.ts";

export type ModelStep =
  | { readonly do: "publish"; readonly queue: number; readonly priority: number; readonly parkMs: number }
  | { readonly do: "reserve"; readonly runner: number; readonly count: number; readonly queues: readonly number[] }
  | { readonly do: "reserve again"; readonly runner: number }
  | {
      readonly do: "settle";
      readonly runner: number;
      readonly pick: number;
      readonly how: "ack" | "front" | "back" | "park" | "bury";
      readonly follow: boolean;
    }
  | { readonly do: "commit again"; readonly runner: number }
  | { readonly do: "lose"; readonly runner: number }
  | { readonly do: "purge"; readonly queue: number }
  | { readonly do: "promote"; readonly afterMs: number };

interface Item {
  readonly id: string;
  readonly queue: string;
  readonly bucket: number;
}

interface Actor {
  runner: TestRunner;
  readonly held: Map<number, Item & { readonly call: number }>;
  lastCall: Parameters<Store["broker"]["reserve"]>[0] | undefined;
  lastCommit: Commit | undefined;
}

const queueNames = ["q", "r"] as const;
const queueName = (number: number): string => queueNames[number % queueNames.length] ?? "q";
const parkedForMs = 1_000;

class World {
  readonly lines = new Map<string, Item[]>();
  parked: (Item & { readonly due: number })[] = [];
  dead = 0;
  now = 0;
  made = 0;

  line({ queue, bucket }: Pick<Item, "queue" | "bucket">): Item[] {
    const key = `${queue} ${bucket}`;
    const line = this.lines.get(key) ?? [];
    this.lines.set(key, line);
    return line;
  }

  waiting(queue: string): Item[] {
    return [...this.lines.values()].flat().filter((item) => item.queue === queue);
  }

  /** Due times differ by a millisecond each, because the order of equal ones is nobody's promise. */
  park(item: Item, ms: number): number {
    this.made += 1;
    const inMs = ms + this.made;
    this.parked.push({ ...item, due: this.now + inMs });
    return inMs;
  }
}

/** `advance` moves the store's clock. @throws AssertionError at the first step after which store and model differ. */
export async function runAgainstModel(
  store: Store,
  steps: readonly ModelStep[],
  advance: (ms: number) => void | Promise<void>,
): Promise<void> {
  const world = new World();
  const actors: Actor[] = [];
  for (let i = 0; i < 2; i += 1) {
    actors.push({ runner: await startRunner(store), held: new Map(), lastCall: undefined, lastCommit: undefined });
  }
  for (const step of steps) {
    await take(store, world, actors, step, advance);
    await compare(store, world, actors);
  }
}

async function take(store: Store, world: World, actors: readonly Actor[], step: ModelStep, advance: (ms: number) => void | Promise<void>) {
  const actor = actors["runner" in step ? step.runner % actors.length : 0] as Actor;
  switch (step.do) {
    case "publish":
      return publish(store, world, step);
    case "reserve":
      return reserve(store, world, actor, step);
    case "reserve again":
      return reserveAgain(store, actor);
    case "settle":
      return settle(store, world, actor, step);
    case "commit again":
      return commitAgain(actor);
    case "lose":
      return lose(store, world, actor);
    case "purge":
      return purge(store, world, queueName(step.queue));
    case "promote":
      world.now += step.afterMs;
      await advance(step.afterMs);
      return promote(store, world);
  }
}

function newItem(world: World, queue: string, bucket: number): Item {
  world.made += 1;
  return { id: `m${world.made}`, queue, bucket };
}

async function publish(store: Store, world: World, step: Extract<ModelStep, { do: "publish" }>): Promise<void> {
  const bucket = [9, 6, 3, 0].find((least) => least <= step.priority) ?? 0;
  const item = newItem(world, queueName(step.queue), bucket);
  const outgoing = message(item.id, { queue: item.queue, priority: step.priority, bytes: item.id });
  if (step.parkMs > 0) return store.broker.publish({ messages: [{ ...outgoing, parkMs: world.park(item, step.parkMs) }] });
  await store.broker.publish({ messages: [outgoing] });
  world.line(item).push(item);
}

async function reserve(store: Store, world: World, actor: Actor, step: Extract<ModelStep, { do: "reserve" }>): Promise<void> {
  const queues = [...new Set(step.queues.map(queueName))];
  const call = actor.runner.nextCall(step.count, queues);
  actor.lastCall = call;
  const { deliveries } = await store.broker.reserve(call);
  const available = queues.flatMap((queue) => world.waiting(queue));
  assert.equal(deliveries.length, Math.min(step.count, available.length));
  for (const delivery of deliveries) accept(world, actor, delivery, queues, call.number);
}

/** Which queue a message comes from is the store's choice; that it is the first of the most urgent bucket there is, is not. */
function accept(world: World, actor: Actor, delivery: Delivery, queues: readonly string[], call: number): void {
  const first = world.line(delivery).shift();
  assert.equal(text(delivery.bytes), first?.id);
  const better = queues.flatMap((queue) => world.waiting(queue)).filter((item) => item.bucket < delivery.bucket);
  assert.deepEqual(better, []);
  actor.held.set(delivery.id.number, { ...(first as Item), call });
}

async function reserveAgain(store: Store, actor: Actor): Promise<void> {
  const { lastCall } = actor;
  if (!lastCall) return;
  const { deliveries } = await store.broker.reserve(lastCall);
  const expected = [...actor.held].filter(([, item]) => item.call === lastCall.number).map(([number, item]) => [number, item.id]);
  const got = deliveries.map((delivery) => [delivery.id.number, text(delivery.bytes)]);
  assert.deepEqual(got, expected);
}

async function settle(store: Store, world: World, actor: Actor, step: Extract<ModelStep, { do: "settle" }>): Promise<void> {
  const held = [...actor.held];
  const found = held[step.pick % Math.max(1, held.length)];
  if (!found) return;
  const [number, item] = found;
  const delivery = { epoch: actor.runner.epoch, number };
  const next = step.follow ? newItem(world, item.queue, 0) : undefined;
  const commit: Commit = {
    ...ack({ id: delivery } as Delivery),
    settle: await settlement(store, world, item, step.how),
    publish: next ? [message(next.id, { queue: next.queue, bytes: next.id })] : [],
  };
  actor.lastCommit = commit;
  assert.deepEqual(await actor.runner.commit(commit), ["applied"]);
  actor.held.delete(number);
  if (next) world.line(next).push(next);
}

/** Also does in the model what it says. */
async function settlement(store: Store, world: World, item: Item, how: Extract<ModelStep, { do: "settle" }>["how"]): Promise<Settle> {
  if (how === "front") world.line(item).unshift(item);
  if (how === "back") world.line(item).push(item);
  if (how === "front" || how === "back") return { kind: "requeue", where: how };
  if (how === "park") {
    const { storeNow } = await store.leases.promote(0);
    return { kind: "park", untilMs: storeNow + world.park(item, parkedForMs), why: "retry" };
  }
  if (how === "ack") return { kind: "ack" };
  world.dead += 1;
  return { kind: "dead-letter", reason: "poison", detail: "" };
}

async function commitAgain(actor: Actor): Promise<void> {
  if (actor.lastCommit) assert.deepEqual(await actor.runner.commit(actor.lastCommit), ["fenced"]);
}

/** The runner is gone: its epoch is closed, and what it held goes back to the front, in its old order. */
async function lose(store: Store, world: World, actor: Actor): Promise<void> {
  const { epoch } = actor.runner;
  const held = [...(await store.leases.close(epoch))].reverse();
  assert.deepEqual(
    held.map((delivery) => delivery.id.number),
    [...actor.held.keys()].reverse(),
  );
  const commits = held.map((delivery): Commit => ({ ...ack(delivery), settle: { kind: "requeue", where: "front" } }));
  const { replies } = await store.broker.commit(epoch, commits, { onBehalf: true });
  assert.deepEqual(
    replies.map((reply) => reply.kind),
    held.map(() => "applied"),
  );
  for (const item of [...actor.held.values()].reverse()) world.line(item).unshift(item);
  actor.held.clear();
  actor.runner = await startRunner(store);
  actor.lastCall = undefined;
  actor.lastCommit = undefined;
}

async function purge(store: Store, world: World, queue: string): Promise<void> {
  const parked = world.parked.filter((item) => item.queue === queue);
  assert.equal(await store.broker.queues.purge([queue]), world.waiting(queue).length + parked.length);
  for (const line of world.lines.values()) if (line[0]?.queue === queue) line.splice(0);
  world.parked = world.parked.filter((item) => item.queue !== queue);
}

async function promote(store: Store, world: World): Promise<void> {
  const due = world.parked.filter((item) => item.due <= world.now).sort((a, b) => b.due - a.due);
  const { promoted } = await store.leases.promote(1_000);
  assert.equal(promoted, due.length);
  world.parked = world.parked.filter((item) => item.due > world.now);
  for (const { due: _, ...item } of due) world.line(item).unshift(item);
}

async function compare(store: Store, world: World, actors: readonly Actor[]): Promise<void> {
  for (const queue of queueNames) {
    const expected = [...world.waiting(queue)].sort((a, b) => a.bucket - b.bucket).map((item) => item.id);
    assert.deepEqual((await store.broker.queues.peek(queue, 1_000)).map(text), expected);
    assert.deepEqual(await store.broker.queues.depth([queue]), [expected.length]);
  }
  for (const { runner, held } of actors) {
    const found = await store.leases.held(runner.epoch);
    assert.deepEqual(
      found.map((delivery) => [delivery.id.number, text(delivery.bytes)]),
      [...held].map(([number, item]) => [number, item.id]),
    );
  }
  assert.equal(await store.deadLetters.count(), world.dead);
}
