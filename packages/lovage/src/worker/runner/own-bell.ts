/**
 * The bell of a runner that is the only one of its node: it hears of messages itself, one hop sooner than by its supervisor.
 * The supervisor is told all the same, after the fact, since it watches for runners that are idle beside a full queue.
 */
import { Bell, type BellOptions } from "../bell.ts";

export interface OwnBellOptions extends Omit<BellOptions, "isWanted" | "ring"> {
  wakeUp(): void;
  say(what: "idle" | "awake"): void;
}

/** Milliseconds: a runner that is idle for less is none that anybody has to watch. */
const tellAfterMs = 100;

export class OwnBell {
  readonly #options: OwnBellOptions;
  readonly #bell: Bell;
  #idle = false;
  #saidIdle = false;
  #telling: NodeJS.Timeout | undefined;

  constructor(options: OwnBellOptions) {
    this.#options = options;
    this.#bell = new Bell({ ...options, isWanted: () => this.#idle, ring: () => this.#ring() });
  }

  listenTo(queues: BellOptions["queues"]): void {
    this.#bell.listenTo(queues);
  }

  start(): void {
    this.#bell.start();
  }

  /** The runner has free slots and found nothing. What it did find goes first. */
  idle(): void {
    this.#idle = true;
    setImmediate(() => this.#bell.changed());
    this.#tell();
  }

  stop(): Promise<void> {
    clearTimeout(this.#telling);
    return this.#bell.stop();
  }

  #ring(): void {
    this.#idle = false;
    this.#options.wakeUp();
    this.#tell();
  }

  #tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      if (this.#saidIdle === this.#idle) return;
      this.#saidIdle = this.#idle;
      this.#options.say(this.#idle ? "idle" : "awake");
    }, tellAfterMs);
  }
}
