/** Workers of one or both languages on one store, and how a batch of canvases is run on them until nothing moves any more. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Canvas } from "./canvas.ts";
import { type Expected, evaluate, type Sides } from "./evaluate.ts";
import { differences, type Handle, idsToRead, type Observed, type Stored } from "./observe.ts";
import type { Record } from "./tasks.ts";

export interface Fleet {
  readonly name: string;
  /** Version of the Celery that is part of it, whose known deviations are excused; null: none is. */
  readonly celery: string | null;
  /** Who sends its `index`th canvas, and who serves whose tasks. */
  sides(index: number): Sides;
  /** Sends each canvas under its key, and gives what the caller holds; or the message of what refused it. */
  send(jobs: readonly Job[]): Promise<readonly (Handle | Error)[]>;
  /** Every call recorded so far, by key. */
  records(): Promise<ReadonlyMap<string, readonly Record[]>>;
  load(ids: readonly string[]): Promise<readonly Stored[]>;
  /** Whatever waits in queues. */
  waiting(): Promise<number>;
  close(): Promise<void>;
}

export interface Job {
  readonly key: string;
  readonly canvas: Canvas;
  readonly sides: Sides;
  readonly expected: Expected;
}

export const jobOf = (key: string, canvas: Canvas, sides: Sides): Job => ({ key, canvas, sides, expected: evaluate(canvas, sides) });

/** Nothing was recorded for so long, and nothing waits: what is missing will never come. */
const quietMs = 1500;
/** A message that nobody settles is not waited for longer than this. */
const stuckMs = 15_000;

/** Sends all, waits until each is complete or nothing moves, and says what was seen of each. */
export async function run(fleet: Fleet, jobs: readonly Job[]): Promise<readonly (Observed | Error)[]> {
  const handles = await fleet.send(jobs);
  let moved = performance.now();
  let before = "";
  for (;;) {
    const seen = await look(fleet, jobs, handles);
    if (seen.every((each, i) => each instanceof Error || isComplete(jobs[i] as Job, each))) return seen;
    const now = seen.map((each) => (each instanceof Error ? "" : `${each.records.length}/${final(each)}`)).join();
    if (now !== before) moved = performance.now();
    else if (await isOver(fleet, performance.now() - moved)) return seen;
    before = now;
    await sleep(10);
  }
}

const isOver = async (fleet: Fleet, quiet: number): Promise<boolean> =>
  quiet > stuckMs || (quiet > quietMs && (await fleet.waiting()) === 0);

async function look(fleet: Fleet, jobs: readonly Job[], handles: readonly (Handle | Error)[]): Promise<readonly (Observed | Error)[]> {
  const records = await fleet.records();
  const own = jobs.map(({ key }) => records.get(key) ?? []);
  const ids = handles.map((handle, i) => (handle instanceof Error ? [] : idsToRead(handle, own[i] ?? [])));
  const flat = ids.flat();
  const loaded = await fleet.load(flat);
  const stored = new Map(flat.map((id, i) => [id, loaded[i]]));
  return handles.map((handle, i) => (handle instanceof Error ? handle : { handle, records: own[i] ?? [], stored }));
}

const final = ({ stored }: Observed): number => [...stored.values()].filter((each) => isFinal(each)).length;
const isFinal = (stored: Stored): boolean => stored?.state === "SUCCESS" || stored?.state === "FAILURE";

/** What is not stored of an ignored task is never waited for. */
const isComplete = ({ expected }: Job, observed: Observed): boolean => differences(expected, observed).length === 0;
