/**
 * Keeps the node alive for the others: announces it, raises its counter every 2 s, and shows each reply to the reaper. When
 * somebody has closed the node, it says so once and goes on under a new id. Runners' epochs are opened under its id.
 */
import { randomBytes } from "node:crypto";
import type { EventWord } from "../../broker/event-exchange.ts";
import type { Beat, Leases, NodeId, NodeInfo } from "../../broker/leases.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service, type StopOptions } from "../../kernel/service.ts";
import type { Epoch } from "../../message/commit.ts";

export interface LeaseKeeperOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
  /** All that is announced but the id. */
  info(): Omit<NodeInfo, "id">;
  /** Each successful look at the fleet. */
  onBeat(beat: Beat): void;
  /** What the node says with its next beat. */
  words(): Promise<readonly EventWord[]>;
  /** The node was closed: its runners' epochs are gone. Resolves when no runner of it is left. */
  onFenced(): Promise<void>;
  /** Epochs that were still open when the node ended. */
  onLeft(epochs: readonly Epoch[]): Promise<void>;
  readonly beatEveryMs?: number;
}

const defaultBeatEveryMs = 2000;
/** All runners of a node become ready at about the same time: one announcement for them. */
const announceAfterMs = 100;

export class LeaseKeeper implements Service {
  readonly #options: LeaseKeeperOptions;
  readonly #loop: Service;
  #id: NodeId;
  #announced = "";
  #announcing = false;
  #stopped = false;
  /** Closed by somebody else, and not yet started again. */
  #closed = false;
  #answeredAt: number;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#id = newNodeId(options.nodeName);
    this.#answeredAt = options.clock.monotonic();
    this.#loop = createLoop({
      clock: options.clock,
      everyMs: options.beatEveryMs ?? defaultBeatEveryMs,
      turn: () => this.#beat(),
      onError: (error) => options.log.warn("lease.beat-failed", { error }),
    });
  }

  get nodeId(): NodeId {
    return this.#id;
  }

  /** Monotonic time of the last beat that the store took. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** @throws {BrokerUnavailableError} when the first announcement does not get through. */
  async start(): Promise<void> {
    await this.#announce();
    await this.#loop.start();
  }

  /** Takes the node off the list. What its runners held should be settled before. */
  async stop(how: StopOptions): Promise<void> {
    this.#stopped = true;
    await this.#loop.stop(how);
    const epochs = await this.#options.leases.closeNode(this.#id);
    await this.#options.onLeft(epochs ?? []);
  }

  /** Runners came or went: others shall see it before the next beat. */
  changed(): void {
    if (this.#announcing) return;
    this.#announcing = true;
    const { clock, log } = this.#options;
    clock
      .sleep(announceAfterMs)
      .then(() => {
        this.#announcing = false;
        return this.#stopped ? undefined : this.#announce();
      })
      .catch((error: unknown) => log.debug("lease.announce-failed", { error }));
  }

  open(epoch: Epoch): Promise<void> {
    return this.#options.leases.open(this.#id, epoch);
  }

  async #beat(): Promise<undefined> {
    if (this.#closed) await this.#startAgain();
    try {
      await this.#announce();
      const beat = await this.#options.leases.beat(this.#id, await this.#options.words());
      this.#answeredAt = this.#options.clock.monotonic();
      // Somebody removed our description: the others do not see us, and would not see us die.
      if (!beat.nodes.some(({ info }) => info.id === this.#id)) this.#announced = "";
      this.#options.onBeat(beat);
    } catch (error) {
      if (!isLovageError(error) || error.name !== "FencedError") throw error;
      this.#closed = true;
      this.#options.log.error("lease.node-closed", { node: this.#id });
      this.#id = newNodeId(this.#options.nodeName);
      await this.#startAgain();
    }
    return undefined;
  }

  /** Only what has changed: runners come and go seldom. */
  async #announce(): Promise<void> {
    const info: NodeInfo = { id: this.#id, ...this.#options.info() };
    const text = JSON.stringify(info);
    if (text === this.#announced) return;
    await this.#options.leases.announce(info);
    this.#announced = text;
  }

  /** Announced first: as soon as the old runners are gone the pool opens epochs under the new id. */
  async #startAgain(): Promise<void> {
    await this.#announce();
    await this.#options.onFenced();
    this.#closed = false;
  }
}

const newNodeId = (nodeName: string): NodeId => `${nodeName}/${randomBytes(8).toString("hex")}`;
