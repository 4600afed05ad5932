/**
 * Slows down those who send while the server's memory is nearly used up, so that workers drain it before it refuses: at once, and
 * the more the less is left. Looked at beside the sending, never before it; nobody who ends a task waits.
 */
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import type { Link } from "./link.ts";
import { infoOf } from "./reply.ts";

/** Of `maxmemory`: from here on sending is slowed down. */
const slowFrom = 0.9;
/** Milliseconds that a publication waits at the very end. */
const longestMs = 500;
/** Milliseconds between two looks while something is sent: near the limit, far from it, and where there is none. */
const [lookSoonMs, lookEveryMs, lookSeldomMs] = [250, 1000, 60_000];

export class MemoryPressure {
  readonly #link: Link;
  readonly #name: string;
  readonly #onFault: (fault: unknown) => void;
  #share = 0;
  #lookAt = 0;
  #looking = false;
  #said = false;

  constructor(link: Link, name: string, onFault: (fault: unknown) => void) {
    this.#link = link;
    this.#name = name;
    this.#onFault = onFault;
  }

  /** Milliseconds to wait before the next publication. */
  get delayMs(): number {
    return this.#share <= slowFrom ? 0 : Math.min(1, (this.#share - slowFrom) / (1 - slowFrom)) * longestMs;
  }

  /** Something was sent: it may be time for a look. */
  sent(): void {
    if (!this.#looking && performance.now() >= this.#lookAt) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    let pauseMs = lookSeldomMs;
    try {
      const { used_memory, maxmemory, maxmemory_policy } = infoOf(await this.#link.call(["INFO", "memory"]));
      const most = maxmemory_policy === "noeviction" ? Number(maxmemory) : 0; // others make room by themselves
      this.#share = most === 0 ? 0 : Number(used_memory) / most;
      if (most > 0) pauseMs = this.#share > slowFrom - 0.1 ? lookSoonMs : lookEveryMs;
      this.#say();
    } catch {
      this.#share = 0; // not allowed, or away: whoever sends hears of that
    }
    this.#lookAt = performance.now() + pauseMs;
    this.#looking = false;
  }

  #say(): void {
    const isSlow = this.delayMs > 0;
    if (isSlow && !this.#said) {
      const text = `The memory of ${this.#name} is nearly used up (${Math.round(100 * this.#share)} %): sending is slowed down, by up to ${longestMs} ms for each call, so that workers can drain it. Start more workers, let results expire sooner (resultExpires), or raise maxmemory.`;
      this.#onFault(new BrokerUnavailableError("LOVAGE_BROKER_NEARLY_FULL", text, { details: { share: this.#share } }));
    }
    this.#said = isSlow;
  }
}
