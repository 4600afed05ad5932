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
  /** Its code runs on, and nothing it does counts. */
  abandon(run: Run): void;
  /** It is ours no longer, and had not begun. */
  drop(held: Held): void;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Until the signal aborts. */
  async nowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, reconcile } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(reconcileEveryMs, signal).catch(() => undefined);
      if (!signal.aborted) reconcile();
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
    for (const held of missing) this.#lost(held);
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
