/**
 * Keeps what the runner holds equal to what the store holds in its name, after calls of unknown outcome and now and then:
 * unknown deliveries are adopted, or their outcome is committed again; runs whose delivery is gone are abandoned
 * (design.md §3, Reserve and Connections).
 */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery } from "../../message/commit.ts";
import type { Committer } from "./committer.ts";
import type { Held, Holdings } from "./held.ts";
import type { Intake } from "./intake.ts";
import type { Run } from "./run.ts";
import type { Runs } from "./runs.ts";

/** Milliseconds between two comparisons with the store, if anything was said meanwhile. */
const reconcileEveryMs = 10_000;

export interface ReconcilerOptions {
  readonly holdings: Holdings;
  readonly committer: Committer;
  readonly intake: Intake;
  readonly runs: Runs;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asks for a comparison, unless nothing was said since the last. */
  reconcile(): void;
  /** Asks for one in any case. */
  compare(): void;
  /** The store holds nothing in our name; a cheap question. */
  holdsNothing(): Promise<boolean>;
  /** Puts deliveries that run back in flight, where the store can tell that their records were removed by hand: their numbers. */
  readonly restore: ((deliveries: readonly Delivery[]) => Promise<readonly number[]>) | undefined;
  /** Its code runs on, and nothing it does counts. */
  abandon(run: Run): void;
  /** It is ours no longer, and had not begun. */
  drop(held: Held): void;
}

/** What ended a run over our head says so in less. */
const lookAgainMs = 3000;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** They run, and the store did not know of them at the last comparison. */
  #missed: ReadonlySet<Held> = new Set();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. */
  async nowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, holdings, reconcile, compare, holdsNothing } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(reconcileEveryMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (holdings.unfinished > 0 && (await holdsNothing().catch(() => false))) compare();
      else reconcile();
    }
  }

  /** The store has told what it holds. */
  compared(inStore: readonly Delivery[]): void {
    const { holdings, committer, intake, log } = this.#options;
    const { unknown, missing } = differences(inStore, holdings);
    if (unknown.length + missing.length > 0) log.info("runner.reconciled", { unknown: unknown.length, missing: missing.length });
    for (const delivery of unknown) {
      const held = holdings.add(delivery);
      if (committer.addAgain(held)) continue;
      holdings.delete(held);
      intake.adopt(delivery);
    }
    const running = this.#options.restore === undefined ? [] : missing.filter(({ stage }) => stage === "running");
    for (const held of missing) if (!running.includes(held)) this.#lost(held);
    this.#restore(running.filter((held) => this.#missed.has(held)));
    const fresh = running.filter((held) => !this.#missed.has(held));
    this.#missed = new Set(fresh);
    if (fresh.length > 0) void this.#lookAgain();
  }

  async #lookAgain(): Promise<void> {
    const { clock, compare } = this.#options;
    await clock.sleep(lookAgainMs);
    compare();
  }

  /** Missing twice, and nobody has said that it was ended: somebody removed its record, or the store is older than it was. */
  #restore(runs: readonly Held[]): void {
    const { restore, log } = this.#options;
    if (runs.length === 0 || restore === undefined) return;
    restore(runs.map(({ delivery }) => delivery)).then(
      (numbers) => {
        for (const held of runs) if (!numbers.includes(held.number)) this.#lost(held);
        log.error("runner.records-removed", { restored: numbers.length, lost: runs.length - numbers.length });
      },
      (error: unknown) => log.warn("runner.restore-failed", { error }),
    );
  }

  /** The store no longer holds it in our name: whatever we make of it is void. A commit on its way is told so by the store. */
  #lost(held: Held): void {
    if (held.stage === "committing") return;
    const { runs, abandon, drop } = this.#options;
    const run = runs.get(held.number);
    if (run === undefined) drop(held);
    else abandon(run);
  }
}

interface Differences {
  /** The store holds them for us and we know nothing of them: a reply was lost, or the store is older than it was. */
  readonly unknown: readonly Delivery[];
  /** We hold them and the store does not: settled by a call whose answer was lost, or ended by somebody else. */
  readonly missing: readonly Held[];
}

function differences(inStore: readonly Delivery[], holdings: Holdings): Differences {
  const numbers = new Set<number>();
  for (const delivery of inStore) numbers.add(delivery.id.number);
  const unknown = inStore.filter((delivery) => holdings.get(delivery.id.number) === undefined);
  const missing = [...holdings.values()].filter((held) => held.stage !== "abandoned" && !numbers.has(held.number));
  return { unknown, missing };
}
