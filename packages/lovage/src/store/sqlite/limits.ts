/** Admission and unique keys in a file; each call is one write. The rules are those of store/limit-rules.ts. */
import type { Admission, Ask, Demand, LimitName, LimitState, Limits, RateDemand } from "../../broker/limits.ts";
import type { Epoch, Publication } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import { callsAtOnce, claimMs, nextAfter, nextOfChanged, noRate, rateLookMs, room, slackMs } from "../limit-rules.ts";
import { unstartable } from "../refusals.ts";
import { assertSizes } from "../sizes.ts";
import { blob, type Row } from "./driver.ts";
import { liveEpoch } from "./epochs.ts";
import { enqueue } from "./queues.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import { claimUnique, freeUnique } from "./uniques.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

/** Later than any due time: a message in a line that never expires. */
const neverMs = Number.MAX_SAFE_INTEGER;

interface LimitRow {
  readonly id: number;
  readonly allows: Demand;
  nextMs: number;
}

export class SqliteLimits implements Limits {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  admit(epoch: Epoch, asks: readonly Ask[]): Promise<readonly Admission[]> {
    const view = this.#view;
    return view.write("ask for room in", (_, touched) => {
      const { id } = liveEpoch(view, epoch);
      return asks.map((ask) => ({ kind: new Gatekeeper(view, touched).admit(id, ask) }));
    });
  }

  async publishUnique(publication: Publication, options: { readonly deadlineMs?: number } = {}): Promise<readonly (TaskId | null)[]> {
    const view = this.#view;
    const { messages, chords = [] } = publication;
    assertSizes(publication, view.file.location.maxBytes);
    if (chords.length > 0) throw unstartable();
    return view.write(
      "publish to",
      (_, touched) =>
        messages.map((message) => {
          const holder = claimUnique(view, message);
          if (holder === null) enqueue(view, touched, message);
          return holder;
        }),
      { deadlineMs: options.deadlineMs, taskIds: messages.map(({ taskId }) => taskId) },
    );
  }

  change(name: LimitName, rate: { readonly intervalMs: number; readonly burst: number } | null): Promise<void> {
    const demand: RateDemand = { kind: "rate", name, ...(rate ?? noRate) };
    return this.#view.write("change a limit in", (_, touched) => new Gatekeeper(this.#view, touched).change(demand));
  }

  waiting(names: readonly LimitName[], limit: number): Promise<readonly Uint8Array[]> {
    const { space } = this.#view;
    return this.#view.read((database) =>
      names.flatMap((name) => database.all(sql.waitingInLine, { space, name, limit }).map(({ bytes }) => blob(bytes))),
    );
  }

  lineOf(task: TaskId): Promise<LimitState | undefined> {
    const { space } = this.#view;
    return this.#view.read((database) => {
      const standing = database.get(sql.lineOfTask, { space, task });
      if (!standing) return undefined;
      const id = Number(standing.lim);
      const before = Number(database.get(sql.countBefore, { id, place: Number(standing.place), message: Number(standing.message) })?.n);
      return toState(database.get(sql.limitById, { id }) as Row, database.all(sql.placesHeld, { id }), before);
    });
  }

  holderOf(key: string): Promise<TaskId | undefined> {
    const { space } = this.#view;
    return this.#view.read((database) => database.get(sql.uniqueHolder, { space, key, now: this.#view.now() })?.task as TaskId | undefined);
  }
}

const toState = (row: Row, held: readonly Row[], before: number): LimitState => {
  const { allows, nextMs } = toLimit(row);
  const holders = held.map(({ epoch, number }) => ({ epoch: String(epoch), number: Number(number) }));
  return { allows, held: holders, before, nextMs: allows.kind === "rate" ? rateLookMs(nextMs, 0, allows) : null };
};

/** What is left for limits to do when a delivery that had places is settled. Within a write. */
export function giveBack(view: View, touched: Touched, message: number): void {
  const gatekeeper = new Gatekeeper(view, touched);
  for (const { lim } of view.file.database.all(sql.dropHolds, { message })) gatekeeper.moveLine(Number(lim));
}

/** Moves all lines whose time has come. Returns how many were called back. Within a write. */
export function moveDueLines(view: View, touched: Touched, limit: number): number {
  const gatekeeper = new Gatekeeper(view, touched);
  const due = view.file.database.all(sql.dueLimits, { now: view.now(), limit });
  return due.reduce((called, { id }) => called + gatekeeper.moveLine(Number(id)), 0);
}

/** When parked messages or lines are to be looked at next. Within a read. */
export function nextDueMs(view: View): number | null {
  const { database } = view.file;
  const parked = database.get(sql.nextDue, {})?.due as number | null;
  const look = database.get(sql.nextLook, {})?.look as number | null;
  const next = Math.min(parked ?? neverMs, look ?? neverMs);
  return next === neverMs ? null : next;
}

/** Lets pass, stands in line, calls back: all within one write. */
class Gatekeeper {
  readonly #view: View;
  readonly #touched: Touched;
  readonly #now: number;

  constructor(view: View, touched: Touched) {
    this.#view = view;
    this.#touched = touched;
    this.#now = view.now();
  }

  get #database() {
    return this.#view.file.database;
  }

  admit(epoch: number, ask: Ask): "granted" | "parked" | "fenced" {
    const held = this.#database.get(sql.findHeld, { epoch, number: ask.number });
    if (!held) return "fenced";
    if (held.why === "holds") return "granted";
    const { space } = this.#view;
    const call = this.#database.get(sql.takeCall, { space, task: ask.taskId });
    const caller = call && Number(call.until) > this.#now ? Number(call.lim) : undefined;
    const limits = ask.demands.map((demand) => this.#declare(demand));
    const refused = limits.find((limit) => !this.#mayPass(limit, limit.id === caller));
    if (refused === undefined) this.#grant(Number(held.id), limits, ask, caller !== undefined);
    else this.#standInLine(Number(held.id), Number(held.bucket), refused, ask, refused.id === caller);
    if (caller !== undefined && caller !== refused?.id) this.moveLine(caller);
    return refused === undefined ? "granted" : "parked";
  }

  /** The latest word on what a limit allows counts. */
  #declare(demand: Demand): LimitRow {
    const { space } = this.#view;
    const { name } = demand;
    const said =
      demand.kind === "slots"
        ? { most: demand.most, interval: null, burst: null }
        : { most: null, interval: demand.intervalMs, burst: demand.burst };
    return toLimit(this.#database.get(sql.declareLimit, { space, name, ...said }) as Row);
  }

  change(demand: RateDemand): void {
    const { id, nextMs } = this.#declare(demand);
    this.#database.run(sql.setNext, { id, next: nextOfChanged(nextMs, this.#now, demand.intervalMs === noRate.intervalMs) });
    this.moveLine(id);
  }

  /** One that was not called stands behind all who wait. */
  #mayPass(limit: LimitRow, isCalled: boolean): boolean {
    this.#database.run(sql.dropLapsed, { id: limit.id, now: this.#now });
    if (!isCalled && this.#database.get(sql.anyInLine, { id: limit.id })) return false;
    return this.#room(limit, isCalled ? slackMs : 0) >= 1;
  }

  #room({ id, allows, nextMs }: LimitRow, lateMs: number): number {
    const held = allows.kind === "slots" ? Number(this.#database.get(sql.countHolds, { id })?.n) : 0;
    return room({ allows, nextMs, held, claims: this.#claims(id).count }, this.#now, lateMs);
  }

  #claims(id: number): { readonly count: number; readonly firstLapse: number | null } {
    const row = this.#database.get(sql.calls, { id });
    return { count: Number(row?.n), firstLapse: (row?.first as number | null | undefined) ?? null };
  }

  #grant(message: number, limits: readonly LimitRow[], ask: Ask, isCalled: boolean): void {
    for (const limit of limits) {
      const { id, allows } = limit;
      if (allows.kind === "slots") this.#database.run(sql.addHold, { message, id });
      else {
        limit.nextMs = nextAfter(limit.nextMs, allows.intervalMs, this.#now, isCalled ? slackMs : 0);
        this.#database.run(sql.setNext, { id, next: limit.nextMs });
      }
      this.#mark(limit);
    }
    this.#database.run(sql.markHolding, { message });
    if (ask.frees !== undefined) freeUnique(this.#view, ask.frees);
  }

  #standInLine(message: number, bucket: number, { id, allows }: LimitRow, ask: Ask, isCalled: boolean): void {
    const why = allows.kind === "slots" ? "concurrency" : "rate";
    this.#database.run(sql.park, { id: message, why, until: Math.ceil(ask.expiresMs ?? neverMs), bytes: null });
    const arrival = isCalled ? 0 : Number(this.#database.get(sql.nextSequence, { name: "line" })?.value);
    this.#database.run(sql.joinLine, { message, id, place: bucket * 2 ** 44 + arrival, task: ask.taskId });
    this.moveLine(id);
  }

  /** Calls back those for whom there is room. Returns how many. */
  moveLine(id: number): number {
    const row = this.#database.get(sql.limitById, { id });
    if (!row) return 0;
    const limit = toLimit(row);
    this.#database.run(sql.dropLapsed, { id, now: this.#now });
    const free = Math.min(this.#room(limit, slackMs), callsAtOnce);
    const calls: Row[] = [];
    while (calls.length < free) {
      const head = this.#database.get(sql.lineHead, { id });
      if (!head) break;
      this.#database.run(sql.leaveLine, { message: Number(head.message) });
      // One that was purged, or has expired, is not parked any more.
      const message = this.#database.get(sql.inLine, { message: Number(head.message) });
      if (message) calls.push({ ...message, task: head.task });
    }
    for (const call of calls.reverse()) this.#callBack(id, call);
    this.#mark(limit);
    return calls.length;
  }

  #callBack(id: number, call: Row): void {
    const { space } = this.#view;
    this.#database.run(sql.requeueFront, { id: Number(call.id), queue: Number(call.queue), bucket: Number(call.bucket), bytes: null });
    this.#database.run(sql.call, { space, task: String(call.task), id, until: this.#now + claimMs });
    this.#touched.add(topics.queue(String(call.name)));
  }

  /** When time alone makes room for who waits; null: whoever holds a place gives it back. */
  #mark({ id, allows, nextMs }: LimitRow): void {
    const { count, firstLapse } = this.#claims(id);
    if (this.#database.get(sql.anyInLine, { id })) {
      const look = allows.kind === "rate" ? rateLookMs(nextMs, count, allows) : firstLapse;
      this.#database.run(sql.setLook, { id, look: look === null ? null : Math.ceil(look) });
      return;
    }
    const isUsed = allows.kind === "rate" || count > 0 || Number(this.#database.get(sql.countHolds, { id })?.n) > 0;
    if (isUsed) this.#database.run(sql.setLook, { id, look: null });
    else this.#database.run(sql.dropLimit, { id });
  }
}

function toLimit(row: Row): LimitRow {
  const name = String(row.name);
  const allows: Demand =
    row.most === null
      ? { kind: "rate", name, intervalMs: Number(row.interval), burst: Number(row.burst) }
      : { kind: "slots", name, most: Number(row.most) };
  return { id: Number(row.id), allows, nextMs: Number(row.next) };
}
