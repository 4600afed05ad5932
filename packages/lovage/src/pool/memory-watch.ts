/** Looks whether the process of a runner has grown above its hard limit, while user code may be in a loop. Says it once. */
import type { Epoch } from "../message/commit.ts";
import type { FromWatchdog } from "./protocol.ts";

export class MemoryWatch {
  readonly #epoch: Epoch;
  readonly #limitBytes: number;
  #said = false;

  constructor(epoch: Epoch, limitBytes: number) {
    this.#epoch = epoch;
    this.#limitBytes = limitBytes;
  }

  look(): Extract<FromWatchdog, { readonly t: "over-memory" }> | undefined {
    if (this.#said) return undefined;
    const bytes = process.memoryUsage.rss();
    if (bytes <= this.#limitBytes) return undefined;
    this.#said = true;
    return { t: "over-memory", epoch: this.#epoch, bytes, limitBytes: this.#limitBytes };
  }
}
