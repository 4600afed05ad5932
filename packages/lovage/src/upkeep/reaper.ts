/**
 * Notices dead nodes, closes them, and has their messages settled; settles what other closers left behind. Any long-lived
 * process may run one: closing is compare-and-set, settling is fenced, so two reapers do no harm. It kills no process and
 * never touches its own node. Where the caller beats anyway it hands its replies to `see`, and the reaper sends nothing idle.
 */
import type { Fleet, Leases, NodePulse } from "../broker/leases.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { createLoop, type Service, type StopOptions } from "../kernel/service.ts";
import type { Delivery, Epoch } from "../message/commit.ts";
import { DeadNodes, type DeadNodesOptions } from "./dead-nodes.ts";

export interface ReaperOptions extends DeadNodesOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends or gives back what a closed epoch held: `settleReleased` with the caller's facts. */
  readonly settle: (epoch: Epoch, deliveries: readonly Delivery[]) => Promise<void>;
  /** Milliseconds between own looks; null: the caller feeds `see`. @defaultValue 2000 */
  readonly lookEveryMs?: number | null;
}

export class Reaper implements Service {
  readonly #options: ReaperOptions;
  readonly #deadNodes: DeadNodes;
  readonly #loop: Service | null;
  /** Orphans of the last look: only one that is still there at the next is ours to settle, its closer may be at it. */
  #suspects: ReadonlySet<Epoch> = new Set();
  #working: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: ReaperOptions) {
    const { leases, clock, log, lookEveryMs = 2000 } = options;
    this.#options = options;
    this.#deadNodes = new DeadNodes({ longestGapMs: Math.max(5000, 2.5 * (lookEveryMs ?? 2000)), ...options });
    const turn = async (): Promise<undefined> => {
      await this.see(await leases.fleet());
    };
    const onError = (error: unknown): void => log.warn("reaper.look-failed", { error });
    this.#loop = lookEveryMs === null ? null : createLoop({ clock, everyMs: lookEveryMs, turn, onError });
  }

  async start(): Promise<void> {
    await this.#loop?.start();
  }

  async stop(how: StopOptions): Promise<void> {
    await this.#loop?.stop(how);
    await this.#working;
  }

  /** One successful look, in the order they were made. Resolves when what follows from it is done; never rejects. */
  see(fleet: Fleet): Promise<void> {
    const dead = this.#deadNodes.look(fleet, this.#options.clock.monotonic());
    const present = new Set(fleet.orphans);
    // One that is no longer named was settled, or its mark was removed by hand: what it holds tells.
    const unnamed = [...this.#suspects].filter((epoch) => !present.has(epoch));
    const orphans = [...fleet.orphans.filter((epoch) => this.#suspects.has(epoch)), ...unnamed];
    this.#suspects = present;
    if (dead.length === 0 && orphans.length === 0) return this.#working;
    // A slow settlement must not pile up looks behind it: the next look sees what is left.
    if (this.#waiting > 0) return this.#working;
    this.#waiting += 1;
    this.#working = this.#work(dead, orphans).finally(() => {
      this.#waiting -= 1;
    });
    return this.#working;
  }

  async #work(dead: readonly NodePulse[], orphans: readonly Epoch[]): Promise<void> {
    for (const pulse of dead) await this.#try(() => this.#closeNode(pulse), { node: pulse.info.id });
    for (const epoch of orphans) await this.#try(() => this.#settle(epoch), { epoch });
  }

  async #closeNode({ info, count }: NodePulse): Promise<void> {
    const epochs = await this.#options.leases.closeNode(info.id, count);
    if (epochs === null) return; // it moved, or somebody else closed it
    this.#options.log.warn("reaper.node-closed", { node: info.id, name: info.name, pid: info.pid, epochs: epochs.length });
    // The store's list of its epochs may have been removed by hand; the node had named them, too.
    for (const { epoch } of info.runners) if (!epochs.includes(epoch)) await this.#try(() => this.#closeEpoch(epoch), { epoch });
    for (const epoch of epochs) await this.#try(() => this.#settle(epoch), { epoch });
  }

  async #closeEpoch(epoch: Epoch): Promise<void> {
    await this.#options.leases.close(epoch);
    await this.#settle(epoch);
  }

  async #settle(epoch: Epoch): Promise<void> {
    const deliveries = await this.#options.leases.held(epoch);
    if (deliveries.length === 0) return;
    this.#options.log.info("reaper.settling", { epoch, deliveries: deliveries.length });
    await this.#options.settle(epoch, deliveries);
  }

  /** What fails here stays an orphan and is seen again at the next look. */
  async #try(work: () => Promise<void>, facts: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn("reaper.settle-failed", { ...facts, error });
    }
  }
}
