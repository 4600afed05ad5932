/** Limits of tasks that the node was told to change while it runs: they beat the declared ones. */
import type { ChangedLimits, ChangedTaskLimits } from "../../pool/protocol.ts";

export class NodeLimits {
  #changed: ReadonlyMap<string, ChangedLimits> = new Map();

  constructor(changed: ChangedTaskLimits) {
    this.set(changed);
  }

  set(changed: ChangedTaskLimits): void {
    this.#changed = new Map(Object.entries(changed));
  }

  of(task: string): ChangedLimits | undefined {
    return this.#changed.size === 0 ? undefined : this.#changed.get(task);
  }
}
