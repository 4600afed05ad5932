/**
 * Sees to it that a runner on standby can still be told: a half-open connection never says that it is deaf, and the store would
 * hand messages to it all the same. While the runner stands there it asks, on the very connection on which it would hear,
 * whether it still does. No answer: the link makes a new connection. No longer, and nothing was heard: something was missed.
 */
import type { Epoch } from "../../message/commit.ts";
import { silenceMs } from "./calls.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { standingScript } from "./scripts/standing.ts";

/** Only the one runner that stands for a list goes on asking: within what an idle node may send. */
const everyMs = 2500;
const deadlineMs = silenceMs + 200;

export interface StandbyCheckOptions {
  readonly link: Link;
  readonly keys: Keys;
  readonly epoch: Epoch;
  readonly missed: () => void;
}

export class StandbyCheck {
  readonly #options: StandbyCheckOptions;
  readonly #timer: NodeJS.Timeout;
  /** A list that it stands for; undefined: it does not stand. */
  #list: string | undefined;
  #since = 0;
  #asking = false;

  constructor(options: StandbyCheckOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#check(), everyMs).unref();
  }

  stands(list: string): void {
    this.#list = list;
    this.#since += 1;
  }

  /** It has heard something, or asks by itself. */
  left(): void {
    this.#list = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    const { link, missed } = this.#options;
    if (this.#list === undefined || this.#asking || link.closed) return;
    const since = this.#since;
    this.#asking = true;
    const stands = await this.#ask(this.#list).catch(() => undefined);
    this.#asking = false;
    if (stands !== false || this.#list === undefined || this.#since !== since) return;
    this.left();
    missed();
  }

  async #ask(list: string): Promise<boolean> {
    const { link, keys, epoch } = this.#options;
    return (await link.run(standingScript, [keys.epoch(epoch), keys.standby], [list], { deadlineMs })) === 1;
  }
}
