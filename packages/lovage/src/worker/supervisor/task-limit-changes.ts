/** Limits of tasks that remote control has changed on this node: kept until it ends, told to its runners and to those that come later. */

import type { Limits } from "../../broker/limits.ts";
import type { NodeTasks, TimeLimits } from "../../control/node-view.ts";
import type { Logger } from "../../kernel/logger.ts";
import { rateIntervalMs } from "../../kernel/rate.ts";
import type { ChangedLimits, ChangedTaskLimits } from "../../pool/protocol.ts";
import type { Registry } from "../../task/registry.ts";
import type { AnyTask } from "../../task/task-definition.ts";
import { type DemandFacts, hasNodeRate, nodeRateName } from "../runner/demands.ts";
import type { Member } from "./member.ts";

export interface TaskLimitChangesOptions {
  readonly registry: Registry;
  readonly limits: Limits;
  readonly facts: Pick<DemandFacts, "nodeName" | "defaultIntervalMs">;
  members(): readonly Member[];
  /** Who waits in line may be due sooner. */
  onChanged(): void;
  readonly log: Logger;
}

/** Milliseconds for runners to hear of a change. */
const heardWithinMs = 400;
/** Of a loop: one that has not turned for longer is not waited for. It begins nothing meanwhile. */
const lateMs = 100;

export class TaskLimitChanges implements Pick<NodeTasks, "limitRate" | "limitTime"> {
  readonly #options: TaskLimitChangesOptions;
  readonly #changed = new Map<string, ChangedLimits & { readonly rate?: number | string | null }>();
  readonly #heard = new WeakMap<Member, number>();
  readonly #waiting = new Set<() => void>();
  #version = 0;

  constructor(options: TaskLimitChangesOptions) {
    this.#options = options;
  }

  /** For runners. */
  get all(): ChangedTaskLimits {
    return Object.fromEntries(this.#changed);
  }

  /** The rate as it was told; undefined: none was. */
  rateOf(task: string): number | string | null | undefined {
    return this.#changed.get(task)?.rate;
  }

  timeOf(task: string): TimeLimits | undefined {
    return this.#changed.get(task)?.time;
  }

  /** Names of the lines in which tasks wait for a rate of this node. */
  lines(): readonly string[] {
    const { registry, facts } = this.#options;
    const isRated = (task: AnyTask) => this.#changed.has(task.name) || hasNodeRate(task, facts);
    return registry
      .all()
      .filter(isRated)
      .map((task) => nodeRateName(task, facts));
  }

  /** Runners first: what they ask for from then on is the new rate; then those who wait in line. */
  async limitRate(name: string, rate: number | string | null): Promise<boolean> {
    const { registry, limits, facts, log } = this.#options;
    const task = registry.get(name);
    if (task === undefined) return false;
    const intervalMs = rate === null ? null : (rateIntervalMs(rate) ?? null);
    await this.#change(name, { rate, intervalMs });
    log.info("limits.rate-changed", { task: name, rate });
    await limits.change(nodeRateName(task, facts), intervalMs === null ? null : { intervalMs, burst: 1 });
    this.#options.onChanged();
    return true;
  }

  async limitTime(name: string, time: TimeLimits): Promise<boolean> {
    const { registry, log } = this.#options;
    if (registry.get(name) === undefined) return false;
    await this.#change(name, { time });
    log.info("limits.time-changed", { task: name, ...time });
    return true;
  }

  /** What it was given at its start may be old. */
  spawned(member: Member): void {
    if (this.#changed.size > 0) this.#tell(member);
  }

  heard(member: Member, version: number): void {
    this.#heard.set(member, version);
    for (const look of this.#waiting) look();
  }

  /** Resolves when the runners have it: whoever was told of the change, and then sends a task, sees it hold. */
  async #change(name: string, more: ChangedLimits & { readonly rate?: number | string | null }): Promise<void> {
    this.#changed.set(name, { ...this.#changed.get(name), ...more });
    const version = ++this.#version;
    const told = this.#options.members();
    for (const member of told) this.#tell(member);
    await this.#untilHeard(told, version);
  }

  #tell(member: Member): void {
    const { runner, epoch } = member;
    runner.send({ t: "task-limits", epoch, version: this.#version, changed: this.all });
  }

  async #untilHeard(told: readonly Member[], version: number): Promise<void> {
    await Promise.all(
      told.map((member) => {
        const heard = this.#whenHeard(member, version);
        const blocked = member.runner.slots(heardWithinMs).then(
          ({ loopLagMs }) => (loopLagMs > lateMs ? undefined : heard),
          () => heard,
        );
        return Promise.race([heard, blocked]);
      }),
    );
  }

  /** Or when it was waited for long enough. */
  async #whenHeard(member: Member, version: number): Promise<void> {
    const has = () => (this.#heard.get(member) ?? 0) >= version;
    if (has()) return;
    let timer: NodeJS.Timeout | undefined;
    let look = () => {};
    await new Promise<void>((resolve) => {
      look = () => has() && resolve();
      this.#waiting.add(look);
      timer = setTimeout(resolve, heardWithinMs);
    });
    clearTimeout(timer);
    this.#waiting.delete(look);
  }
}
