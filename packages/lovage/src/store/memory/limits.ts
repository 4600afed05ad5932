import type { Admission, Ask, Demand, LimitName, LimitState, Limits } from "../../broker/limits.ts";
import type { DeliveryId, Epoch, Outgoing, Publication } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import { callsAtOnce, claimMs, nextAfter, nextOfChanged, noRate, rateLookMs, room, slackMs } from "../limit-rules.ts";
import { epochClosed, storeClosed, unstartable } from "../refusals.ts";
import { assertSizes } from "../sizes.ts";
import { enqueue, queueTopic } from "./queues.ts";
import { claimUnique, freeUnique } from "./uniques.ts";
import { alive, type EpochRecord, type Limit, type Parked, type View } from "./world.ts";

export class MemoryLimits implements Limits {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  async admit(epoch: Epoch, asks: readonly Ask[]): Promise<readonly Admission[]> {
    const record = this.#view.space.epochs.get(epoch);
    if (!record?.open) throw epochClosed(epoch);
    return asks.map((ask) => ({ kind: admit(this.#view, epoch, record, ask) }));
  }

  async publishUnique(publication: Publication): Promise<readonly (TaskId | null)[]> {
    const view = this.#view;
    const { messages, chords = [] } = publication;
    if (view.closing.aborted)
      throw storeClosed(
        view.name,
        messages.map(({ taskId }) => taskId),
      );
    assertSizes(publication);
    if (chords.length > 0) throw unstartable();
    return messages.map((message) => this.#publish(message));
  }

  async change(name: LimitName, rate: { readonly intervalMs: number; readonly burst: number } | null): Promise<void> {
    const { intervalMs, burst } = rate ?? noRate;
    const limit = declared(this.#view, { kind: "rate", name, intervalMs, burst });
    limit.nextMs = nextOfChanged(limit.nextMs, this.#view.now(), rate === null);
    moveLine(this.#view, name);
  }

  async waiting(names: readonly LimitName[], limit: number): Promise<readonly Uint8Array[]> {
    const { space, queues } = this.#view;
    const lines = names.map((name) => (space.limits.get(name)?.line ?? []).map(({ parked }) => parked));
    return lines.flatMap((line) =>
      line
        .filter((parked) => queues.parked.includes(parked))
        .slice(0, limit)
        .map(({ bytes }) => bytes),
    );
  }

  async lineOf(task: TaskId): Promise<LimitState | undefined> {
    for (const { allows, line, held, nextMs } of this.#view.space.limits.values()) {
      const before = line.filter(({ parked }) => this.#view.queues.parked.includes(parked)).findIndex(({ taskId }) => taskId === task);
      if (before < 0) continue;
      const holders = [...held].map((holder) => holder.split(" ")).map(([epoch = "", number]) => ({ epoch, number: Number(number) }));
      return { allows, held: holders, before, nextMs: allows.kind === "rate" ? rateLookMs(nextMs, 0, allows) : null };
    }
    return undefined;
  }

  async holderOf(key: string): Promise<TaskId | undefined> {
    const holder = this.#view.space.uniques.get(key);
    return holder !== undefined && alive(holder, this.#view.now()) ? holder.value : undefined;
  }

  #publish(message: Outgoing): TaskId | null {
    const holder = claimUnique(this.#view, message);
    if (holder === null) enqueue(this.#view, message);
    return holder;
  }
}

const holderOf = (epoch: Epoch, number: number): string => `${epoch} ${number}`;

function admit(view: View, epoch: Epoch, record: EpochRecord, ask: Ask): "granted" | "parked" | "fenced" {
  const held = record.held.get(ask.number);
  if (held === undefined) return "fenced";
  if (held.holds !== undefined) return "granted";
  const { called } = view.space;
  const caller = called.get(ask.taskId);
  called.delete(ask.taskId);
  if (caller !== undefined) view.space.limits.get(caller)?.called.delete(ask.taskId);
  const limits = ask.demands.map((demand) => declared(view, demand));
  const refused = limits.find((limit) => !mayPass(view, limit, limit.allows.name === caller));
  if (refused === undefined) {
    held.holds = [];
    for (const limit of limits) take(view, limit, holderOf(epoch, ask.number), held.holds, caller !== undefined);
    if (ask.frees !== undefined) freeUnique(view, ask.frees);
  } else {
    record.held.delete(ask.number);
    const { queue, bucket, bytes } = held;
    const why = refused.allows.kind === "slots" ? "concurrency" : "rate";
    const place = refused.allows.name === caller ? 0 : view.nextSequence();
    const waiting: Parked = { queue, bucket, bytes, untilMs: ask.expiresMs ?? Number.POSITIVE_INFINITY, why };
    view.queues.park(waiting);
    refused.line.push({ place: bucket * 2 ** 44 + place, taskId: ask.taskId, parked: waiting });
    refused.line.sort((a, b) => a.place - b.place);
    moveLine(view, refused.allows.name);
  }
  if (caller !== undefined && caller !== refused?.allows.name) moveLine(view, caller);
  return refused === undefined ? "granted" : "parked";
}

/** The latest word on what a limit allows counts. */
function declared({ space }: View, demand: Demand): Limit {
  const known = space.limits.get(demand.name);
  const limit: Limit = known ?? { allows: demand, nextMs: 0, held: new Set(), line: [], called: new Map(), lookAt: null };
  limit.allows = demand;
  space.limits.set(demand.name, limit);
  return limit;
}

function dropLapsed({ called }: Limit, now: number): void {
  for (const [taskId, untilMs] of called) if (untilMs <= now) called.delete(taskId);
}

const factsOf = ({ allows, nextMs, held, called }: Limit) => ({ allows, nextMs, held: held.size, claims: called.size });

/** One that was not called stands behind all who wait. */
function mayPass(view: View, limit: Limit, isCalled: boolean): boolean {
  const now = view.now();
  dropLapsed(limit, now);
  return (isCalled || limit.line.length === 0) && room(factsOf(limit), now, isCalled ? slackMs : 0) >= 1;
}

function take(view: View, limit: Limit, holder: string, holds: LimitName[], isCalled: boolean): void {
  const { allows } = limit;
  if (allows.kind === "slots") {
    limit.held.add(holder);
    holds.push(allows.name);
  } else limit.nextMs = nextAfter(limit.nextMs, allows.intervalMs, view.now(), isCalled ? slackMs : 0);
  markLine(view, limit);
}

/** When time alone makes room for who waits; null: whoever holds a place gives it back. */
function markLine({ space }: View, limit: Limit): void {
  const { allows, called, line } = limit;
  limit.lookAt = null;
  if (line.length > 0) limit.lookAt = allows.kind === "rate" ? rateLookMs(limit.nextMs, called.size, allows) : firstLapse(called);
  else if (limit.held.size === 0 && called.size === 0 && allows.kind === "slots") space.limits.delete(allows.name);
}

const firstLapse = (called: ReadonlyMap<TaskId, number>): number | null => (called.size === 0 ? null : Math.min(...called.values()));

/** Calls back those for whom there is room. Returns how many. */
function moveLine(view: View, name: LimitName): number {
  const limit = view.space.limits.get(name);
  if (limit === undefined) return 0;
  const now = view.now();
  dropLapsed(limit, now);
  const free = Math.min(room(factsOf(limit), now, slackMs), callsAtOnce);
  const calls: { taskId: TaskId; parked: Parked }[] = [];
  while (calls.length < free) {
    const head = limit.line.shift();
    if (head === undefined) break;
    // One that was purged, or has expired, is not parked any more.
    if (view.queues.unpark(head.parked)) calls.push(head);
  }
  for (const { taskId, parked } of calls.reverse()) {
    view.queues.line(parked.queue, parked.bucket).pushFront(parked.bytes);
    view.changes.notify(queueTopic(parked.queue));
    limit.called.set(taskId, now + claimMs);
    view.space.called.set(taskId, name);
  }
  markLine(view, limit);
  return calls.length;
}

/** What a delivery held is free again. */
export function giveBack(view: View, epoch: Epoch, number: number, holds: readonly LimitName[]): void {
  for (const name of holds) {
    view.space.limits.get(name)?.held.delete(holderOf(epoch, number));
    moveLine(view, name);
  }
}

/** Moves all lines whose time has come. Returns how many were called, and when the next line is to be looked at. */
export function moveDueLines(view: View): { readonly called: number; readonly nextMs: number | null } {
  let called = 0;
  let nextMs: number | null = null;
  for (const [name, { lookAt }] of [...view.space.limits]) {
    if (lookAt !== null && lookAt <= view.now()) called += moveLine(view, name);
    const next = view.space.limits.get(name)?.lookAt ?? null;
    if (next !== null && (nextMs === null || next < nextMs)) nextMs = next;
  }
  return { called, nextMs };
}

/** It is another delivery's now. */
export function movePlaces(view: View, holds: readonly LimitName[], from: DeliveryId, to: DeliveryId): void {
  for (const name of holds) {
    const held = view.space.limits.get(name)?.held;
    if (held?.delete(holderOf(from.epoch, from.number))) held.add(holderOf(to.epoch, to.number));
  }
}
