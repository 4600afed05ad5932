/**
 * Finds out which of several messages kills runners (design.md §2, Poison): each of them runs in a runner of its own, a few of
 * those at a time. Until its turn comes a message is in flight in the name of this node, under an epoch that no runner has; so
 * when the node is lost they all go back to their queues like everything else. It judges nobody: the settler does.
 */
import { randomUUID } from "node:crypto";
import type { Leases, Reassigned } from "../../broker/leases.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Epoch } from "../../message/commit.ts";

export interface QuarantineOptions {
  readonly leases: Pick<Leases, "reassign" | "held">;
  /** Opens an epoch of this node. */
  open(epoch: Epoch): Promise<void>;
  /** Starts a runner for what this epoch holds. Resolves when it is gone and what it left is settled; false: none starts any more. */
  run(epoch: Epoch): Promise<boolean>;
  /** How many at a time. */
  readonly lanes: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds until a runner that could not be started is tried again. */
const pauseMs = 1000;

export class Quarantine {
  readonly #options: QuarantineOptions;
  #waitingRoom: Promise<Epoch> | undefined;
  #running = 0;
  #stopped = false;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** From an epoch that nobody has any more. @throws when the store does not answer: then nothing, or all of it, is here. */
  async take(from: Epoch, suspects: readonly Reassigned[]): Promise<void> {
    const { leases, log } = this.#options;
    try {
      await leases.reassign(from, await this.#room(), suspects);
    } catch (error) {
      if (!isLovageError(error) || error.name !== "FencedError") throw error;
      // The node was closed meanwhile, and goes on under another id: those that waited are other nodes' now.
      this.#waitingRoom = undefined;
      await leases.reassign(from, await this.#room(), suspects);
    }
    log.info("quarantine.taken", { epoch: from, suspects: suspects.length });
    this.#look();
  }

  /** Nobody gets a turn any more; what waits is given back with the node's other epochs. */
  stop(): void {
    this.#stopped = true;
  }

  #room(): Promise<Epoch> {
    this.#waitingRoom ??= this.#open().catch((error: unknown) => {
      this.#waitingRoom = undefined;
      throw error;
    });
    return this.#waitingRoom;
  }

  async #open(): Promise<Epoch> {
    const epoch = `quarantine-${randomUUID()}`;
    await this.#options.open(epoch);
    return epoch;
  }

  /** One look after the other: two of them must not take the same message. */
  #look(): void {
    this.#looking = this.#looking.then(() => this.#fill()).catch((error: unknown) => this.#later(error));
  }

  #later(error: unknown): void {
    if (this.#stopped) return;
    this.#options.log.warn("quarantine.failed", { error });
    void this.#options.clock.sleep(pauseMs).then(() => this.#look());
  }

  async #fill(): Promise<void> {
    const { leases, lanes, open } = this.#options;
    if (this.#stopped) return;
    const room = await this.#room();
    const waiting = this.#running < lanes ? await leases.held(room) : [];
    for (const { id } of waiting.slice(0, lanes - this.#running)) {
      const epoch = randomUUID();
      await open(epoch);
      await leases.reassign(room, epoch, [{ number: id.number }]);
      this.#running += 1;
      void this.#run(epoch, room);
    }
  }

  async #run(epoch: Epoch, room: Epoch): Promise<void> {
    const { run, leases } = this.#options;
    try {
      if (!(await run(epoch))) return; // the node is about to end, and gives back what it has
      this.#running -= 1;
      this.#look();
    } catch (error) {
      this.#running -= 1;
      const left = await leases.held(epoch).catch(() => []);
      await leases
        .reassign(
          epoch,
          room,
          left.map(({ id }) => ({ number: id.number })),
        )
        .catch(() => undefined);
      this.#later(error);
    }
  }
}
