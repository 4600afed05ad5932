/**
 * The reaper's judgement, without I/O: which nodes of a fleet stood still for too long. Presence is a counter that is only
 * compared for equality, time is our own monotonic clock: neither a stopped store, a failover nor a clock step of anybody
 * makes a node look dead (design.md §3, Presence).
 */
import type { Fleet, NodeId, NodePulse } from "../broker/leases.ts";
import type { Machine } from "./machine.ts";

/** A node is never declared dead after fewer looks, however far apart. */
const fewestLooks = 3;

export interface DeadNodesOptions {
  /** Own node, never judged; null where the caller is none. */
  readonly self: NodeId | null;
  /** Milliseconds with the same count until a node is dead. @defaultValue 10_000; 30_000 in frugal mode */
  readonly deadAfterMs?: number;
  /**
   * Milliseconds between two successful looks above which counting starts again: we, or the store, were away meanwhile,
   * and a node that could not beat then must get the whole time again.
   * @defaultValue half of `deadAfterMs`
   */
  readonly longestGapMs?: number;
  readonly machine?: Machine;
}

interface Watched {
  count: number;
  since: number;
  looks: number;
}

export class DeadNodes {
  readonly #options: DeadNodesOptions;
  readonly #deadAfterMs: number;
  readonly #longestGapMs: number;
  readonly #watched = new Map<NodeId, Watched>();
  #lastLook = Number.NEGATIVE_INFINITY;

  constructor(options: DeadNodesOptions) {
    this.#options = options;
    this.#deadAfterMs = options.deadAfterMs ?? 10_000;
    this.#longestGapMs = options.longestGapMs ?? this.#deadAfterMs / 2;
  }

  /** One successful look at the fleet. `now`: own monotonic milliseconds. */
  look(fleet: Fleet, now: number): readonly NodePulse[] {
    if (now - this.#lastLook > this.#longestGapMs) this.#watched.clear();
    this.#lastLook = now;
    this.#forgetAbsent(fleet);
    return fleet.nodes.filter((pulse) => pulse.info.id !== this.#options.self && (this.#isGone(pulse) || this.#stoodStill(pulse, now)));
  }

  #stoodStill(pulse: NodePulse, now: number): boolean {
    const watched = this.#watched.get(pulse.info.id);
    if (watched === undefined || watched.count !== pulse.count) {
      this.#watched.set(pulse.info.id, { count: pulse.count, since: now, looks: 1 });
      return false;
    }
    watched.looks += 1;
    return watched.looks >= fewestLooks && now - watched.since >= this.#deadAfterMs;
  }

  /** On the same machine there is nothing to wait for: its process is there or it is not. */
  #isGone({ info }: NodePulse): boolean {
    const { machine } = this.#options;
    if (machine === undefined || machine.bootId === "") return false;
    return info.host === machine.host && info.bootId === machine.bootId && machine.isGone(info.pid, info.processStart);
  }

  #forgetAbsent(fleet: Fleet): void {
    const present = new Set(fleet.nodes.map((pulse) => pulse.info.id));
    for (const id of this.#watched.keys()) if (!present.has(id)) this.#watched.delete(id);
  }
}
