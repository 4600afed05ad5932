/**
 * Pool × what the code is at × how it is told to stop. Nothing may be told as cancelled while it runs, no two attempts of one task
 * may be alive at once, and neighbours finish or come back uncharged (design.md §2, "Stopping one task").
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attemptsOf, overlaps } from "./journal.ts";
import { Bench, type WorkerNode } from "./node.ts";
import { isAlive, waitFor } from "./wait-for.ts";

const app = fileURLToPath(new URL("./fixtures/matrix-app.ts", import.meta.url));

/** `listens`: it ends by itself once its signal says so. `blocks`: nothing else of its thread goes on meanwhile. */
const kinds = {
  awaits: { listens: true, blocks: false },
  asks: { listens: true, blocks: true },
  fetch: { listens: true, blocks: false },
  loops: { listens: false, blocks: true },
  deaf: { listens: false, blocks: false },
  native: { listens: false, blocks: true },
  child: { listens: false, blocks: false },
} as const;
type Kind = keyof typeof kinds;
const all = Object.keys(kinds) as readonly Kind[];

const pools = [
  { pool: "async", concurrency: 5 },
  { pool: "processes", concurrency: 5 },
  { pool: "threads", concurrency: 5 },
  { pool: "solo", concurrency: 1 },
] as const;

const killAfterMs = 200;
const [softMs, hardMs] = [300, 900];
/** From the moment when it has to be gone until its caller knows. A thread has 2 s more to end before its process is killed. */
const lateMs = { async: 2000, processes: 1500, threads: 4000, solo: 1500 } as const;
const neighbourMs = 800;

interface Seen {
  /** Milliseconds from the request, or from the start. */
  readonly afterMs: number;
  readonly error: { readonly name?: string };
  readonly stored: unknown;
  readonly id: string;
  readonly journal: string;
  /** Lines that stood in the journal when the end was told. */
  readonly lines: number;
  /** The process that native code ran in was there when the end was told. */
  readonly processAlive: boolean;
  readonly neighbour: { readonly journal: string; readonly value: unknown };
}

/** All of one pool on a node of its own. */
class Matrix {
  readonly bench = new Bench();
  readonly cancelled = new Map<Kind, Seen>();
  readonly limited = new Map<Kind, Seen>();
  readonly #row: (typeof pools)[number];
  #node: WorkerNode | undefined;

  constructor(row: (typeof pools)[number]) {
    this.#row = row;
  }

  async run(): Promise<void> {
    const { pool, concurrency } = this.#row;
    this.#node = await this.bench.node({ app, pool, concurrency }).ready();
    const stop = async (kind: Kind, how: "cancelled" | "limited") => void this[how].set(kind, await this.#stopped(kind, how));
    for (const how of ["cancelled", "limited"] as const) {
      // Those that burn a core one by one: limits are measured here.
      const isAlone = (kind: Kind) => concurrency === 1 || kinds[kind].blocks;
      await Promise.all(all.filter((kind) => !isAlone(kind)).map((kind) => stop(kind, how)));
      for (const kind of all) if (isAlone(kind)) await stop(kind, how);
    }
  }

  get node(): WorkerNode {
    if (this.#node === undefined) throw new Error("not run yet");
    return this.#node;
  }

  async #stopped(kind: Kind, how: "cancelled" | "limited"): Promise<Seen> {
    const { bench } = this;
    const { concurrency } = this.#row;
    const [journal, beside] = [bench.file(), bench.file()];
    // Where it would only wait for a slot it is no neighbour.
    const neighbour =
      concurrency > 1 && (kind === "awaits" || kinds[kind].blocks) ? await bench.app.send("m.neighbour", [beside, neighbourMs]) : null;
    if (neighbour) await bench.started(beside);
    const limits = how === "limited" ? { softTimeLimit: softMs / 1000, timeLimit: hardMs / 1000 } : {};
    const result = await bench.app.send(`m.${kind}`, [journal], limits);
    await bench.started(journal);
    const from = performance.now();
    if (how === "cancelled") await result.revoke({ terminate: true, killAfterMs });
    const error = await result.get({ timeoutMs: 20_000 }).catch((thrown: { readonly name: string }) => thrown);
    const [afterMs, lines] = [performance.now() - from, bench.lines(journal).length];
    const [first] = attemptsOf(bench.lines(journal));
    const value = await neighbour?.get({ timeoutMs: 20_000 });
    const seen = { afterMs, error: error as Seen["error"], stored: (await result.info())?.document, id: result.id, journal, lines };
    return { ...seen, processAlive: isAlive(first?.pid ?? 0), neighbour: { journal: beside, value } };
  }
}

const rows = pools.map((row) => ({ ...row, matrix: new Matrix(row) }));

beforeAll(async () => {
  const [async, processes, threads, solo] = rows.map(({ matrix }) => matrix);
  await Promise.all([solo?.run(), processes?.run(), async?.run().then(() => threads?.run())]);
}, 90_000);
afterAll(async () => void (await Promise.all(rows.map(({ matrix }) => matrix.bench.close()))));

describe.each(rows)("the pool $pool", ({ pool, matrix }) => {
  const { bench, cancelled, limited } = matrix;

  describe.each(all)("code that %s", (kind) => {
    const seenOf = (how: Map<Kind, Seen>): Seen => how.get(kind) as Seen;

    it("is cancelled in time, and is gone when REVOKED is told", () => {
      const { error, afterMs, stored, journal, lines, processAlive } = seenOf(cancelled);
      expect(error).toMatchObject({ name: "TaskRevokedError" });
      expect(stored).toMatchObject({ status: "REVOKED", result: { exc_message: ["terminated"] } });
      const spares = pool === "async" && !kinds[kind].listens ? neighbourMs : 0;
      expect(afterMs).toBeLessThan((kinds[kind].listens ? 0 : killAfterMs) + spares + lateMs[pool]);
      expect(bench.lines(journal).slice(lines)).toEqual([]);
      if (kind === "native") expect(processAlive).toBe(false);
      expect(attemptsOf(bench.lines(journal))).toHaveLength(1);
    });

    it("meets the soft limit if it listens, and the hard one if it does not", async () => {
      const { error, afterMs, stored, journal } = seenOf(limited);
      if (kinds[kind].listens) {
        expect(stored).toMatchObject({ status: "FAILURE", result: { exc_type: "SoftTimeLimitExceeded" } });
        // Neither too early nor by the hard one: how much later than due is the machine's affair.
        expect(afterMs).toBeGreaterThan(softMs - 200);
      } else {
        expect(error).toMatchObject({ name: "TimeLimitError" });
        expect(stored).toMatchObject({ status: "FAILURE", result: { exc_type: "TimeLimitExceeded" } });
        expect(afterMs - hardMs).toBeLessThan(lateMs[pool]);
      }
      const [attempt, ...more] = attemptsOf(bench.lines(journal));
      expect(more).toEqual([]);
      await waitFor("its silence", async () => {
        const { length } = bench.lines(journal);
        await sleep(100);
        return bench.lines(journal).length === length;
      });
      if (kind === "native") await waitFor("the end of its process", () => !isAlive(attempt?.pid ?? 0));
    });

    it("never runs twice at a time, nor does its neighbour, which ends well and is not charged", () => {
      for (const { journal, neighbour } of [seenOf(cancelled), seenOf(limited)]) {
        expect(overlaps(bench.lines(journal))).toEqual([]);
        expect(overlaps(bench.lines(neighbour.journal))).toEqual([]);
        expect(attemptsOf(bench.lines(neighbour.journal)).map(({ deaths }) => deaths)).not.toContain(1);
        expect(neighbour.value).toBe(neighbour.value === undefined ? undefined : "done");
      }
    });
  });

  it("has ended runners on purpose, and lost none", () => {
    expect(matrix.node.logged("runner.died")).toEqual([]);
  });
});
