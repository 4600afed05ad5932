/**
 * Settles what runners leave behind: closes the epoch, writes the ends that were decided while the code still ran, gives the rest
 * back with the right blame. A store that does not answer is asked again until the node stops; then it is the reaper's.
 */
import type { App } from "../../app/app.ts";
import type { Reassigned } from "../../broker/leases.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { Outcome } from "../../message/outcome.ts";
import type { Store } from "../../store/store.ts";
import type { Attempt } from "../../upkeep/attempt.ts";
import { endDelivery } from "../../upkeep/end-delivery.ts";
import type { FactsOf } from "../../upkeep/outcome-attempt.ts";
import { type Blame, settleReleased } from "../../upkeep/settle-released.ts";
import type { Departed, Member } from "./member.ts";

export interface SettlerOptions {
  readonly app: App;
  readonly store: Store;
  readonly nodeName: string;
  /** Slots of a runner, and deliveries per slot. */
  readonly slots: number;
  readonly prefetch: number;
  /** Where several messages share a process: runs those that may have ended it, each alone. */
  readonly quarantine?: (from: Epoch, suspects: readonly Reassigned[]) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  /** What ended a task over its runner's head took effect. */
  onApplied(attempt: Attempt): void;
}

const besideStopped: Blame = { kind: "innocent", cause: "a task beside it was stopped", counted: true };
const firstPauseMs = 100;
const longestPauseMs = 2000;

export class Settler {
  readonly #options: SettlerOptions;
  readonly #factsOf: FactsOf;
  readonly #stopping = new AbortController();
  readonly #unsettled = new Set<Member>();

  constructor(options: SettlerOptions) {
    this.#options = options;
    this.#factsOf = (ended) => options.app.facts(ended);
  }

  /** A runner is gone. Never rejects. */
  async departed(departed: Departed): Promise<void> {
    const { member } = departed;
    this.#unsettled.add(member);
    await this.#untilAnswered(member.epoch, async () => {
      await this.#settle(departed);
      this.#unsettled.delete(member);
    });
  }

  /** Runners that are gone, and what they held is not settled. */
  get unsettled(): readonly Member[] {
    return [...this.#unsettled];
  }

  /** Deliveries of a closed epoch whose runner is not ours to judge. @throws when the store does not answer. */
  async settleLost(epoch: Epoch, deliveries: readonly Delivery[]): Promise<void> {
    await this.#release(epoch, deliveries, { kind: "innocent", cause: "its worker node was lost", death: "node-lost", counted: true });
  }

  /** Of our own node, at its end: what is still there could not be settled before. */
  async settleLeft(epochs: readonly Epoch[]): Promise<void> {
    for (const epoch of epochs) {
      const deliveries = await this.#options.store.leases.held(epoch);
      await this.#release(epoch, deliveries, { kind: "innocent", cause: "its worker was stopped", death: "stopped", counted: false });
    }
  }

  /** Ends a run over its runner's head. undefined: it had ended by itself. @throws when the store does not answer. */
  async endRunning(epoch: Epoch, number: number, outcome: Outcome): Promise<Delivery | undefined> {
    const delivery = (await this.#options.store.leases.held(epoch)).find(({ id }) => id.number === number);
    if (!delivery) return undefined;
    try {
      return (await this.#end(delivery, outcome, false)) === "applied" ? delivery : undefined;
    } catch (error) {
      if (isLovageError(error) && error.name === "FencedError") return undefined;
      throw error;
    }
  }

  /** No more tries. */
  stop(): void {
    this.#stopping.abort();
  }

  async #settle(departed: Departed): Promise<void> {
    const { member } = departed;
    const deliveries = await this.#options.store.leases.close(member.epoch);
    for (const delivery of deliveries) {
      const outcome = member.verdicts.get(delivery.id.number);
      if (outcome) await this.#end(delivery, outcome, true);
    }
    const rest = deliveries.filter(({ id }) => !member.verdicts.has(id.number));
    // What we had told to stop may have ended its process itself: that is no fault of what waited behind it.
    const stopped = rest.length < deliveries.length;
    const blame = stopped && member.endReason === null ? besideStopped : this.#blame(departed, rest);
    await this.#release(member.epoch, rest, blame);
  }

  #end(delivery: Delivery, outcome: Outcome, epochClosed: boolean): Promise<"applied" | "fenced"> {
    const { store, nodeName, log, onApplied } = this.#options;
    return endDelivery({ broker: store.broker, delivery, outcome, epochClosed, factsOf: this.#factsOf, nodeName, log, onApplied });
  }

  async #release(epoch: Epoch, deliveries: readonly Delivery[], blame: Blame): Promise<void> {
    if (deliveries.length === 0) return;
    const { store, nodeName, log, app, quarantine, onApplied } = this.#options;
    const { maxDeliveries, maxLost } = app.config;
    const settled = await settleReleased({
      broker: store.broker,
      epoch,
      deliveries,
      blame,
      factsOf: this.#factsOf,
      nodeName,
      log,
      maxDeliveries,
      maxLost,
      onApplied,
      ...(quarantine && { quarantine: (suspects) => quarantine(epoch, suspects) }),
    });
    log.info("runner.settled", { epoch, cause: blame.cause, ...settled });
  }

  #blame({ member, exit, death: { cause: death, how: cause } }: Departed, deliveries: readonly Delivery[]): Blame {
    // A runner that says why it cannot start has started nothing.
    if (member.endReason === "shutdown" || member.failure !== null) return { kind: "innocent", cause, death, counted: false };
    if ((member.endReason !== null && member.death === null) || exit.asNeighbour) return { kind: "innocent", cause, death, counted: true };
    const started = this.#started(deliveries);
    return { kind: "died", cause, death, inCompany: exit.inCompany === true, ...(started !== null && { started }) };
  }

  /** With one slot and more prefetched, only the oldest had begun. Else it cannot be told from here. */
  #started(deliveries: readonly Delivery[]): readonly number[] | null {
    const { slots, prefetch } = this.#options;
    const oldest = deliveries[0];
    return slots === 1 && prefetch > 1 && oldest ? [oldest.id.number] : null;
  }

  async #untilAnswered(epoch: Epoch, work: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
      try {
        return await work();
      } catch (error) {
        log.warn("runner.unsettled", { epoch, error });
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    }
  }
}
