/**
 * Uploads that are under way, of all services on one state store: a job has no record until its last file is stored, and for that
 * long only this says that its files belong to somebody. A mark that is not renewed goes: its service has died.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { StateStore } from "lovage/adapters";
import type { JobId } from "../job-files.ts";
import { linkedSignal } from "../linked-signal.ts";
import { untilAnswered } from "./until-answered.ts";

/** An upload that is over sooner costs no write: no sweep takes what is so young. */
const unmarkedMs = 500;
const renewMs = 300_000;
/** Longer than a state store is away, as a rule. */
const forgottenMs = 3 * renewMs;

const keyOf = (id: JobId) => `arriving/${id}`;

export class Arriving {
  readonly #state: () => Promise<StateStore>;
  readonly #signal: AbortSignal;
  readonly #onFault: (error: unknown) => void;
  readonly #here = new Set<JobId>();
  readonly #marking = new Set<Promise<void>>();

  constructor(state: () => Promise<StateStore>, signal: AbortSignal, onFault: (error: unknown) => void) {
    this.#state = state;
    this.#signal = signal;
    this.#onFault = onFault;
  }

  /** From now on until the answer is called, nobody takes its files for orphans. Waits for nothing: the state store may be away. */
  enter(id: JobId): () => void {
    // An upload that a closing service has cut may never leave: its mark expires.
    const here = linkedSignal(this.#signal);
    this.#here.add(id);
    const marking: Promise<void> = this.#mark(id, here.signal).finally(() => this.#marking.delete(marking));
    this.#marking.add(marking);
    return () => {
      this.#here.delete(id);
      here.end();
    };
  }

  /** @throws when the state store does not answer: then it is not known. */
  async has(id: JobId): Promise<boolean> {
    return this.#here.has(id) || (await (await this.#state()).read([keyOf(id)]))[0] !== undefined;
  }

  /** Resolves when nothing of it goes on, once its signal is aborted. */
  async settled(): Promise<void> {
    await Promise.all(this.#marking);
  }

  async #mark(id: JobId, over: AbortSignal): Promise<void> {
    await sleep(unmarkedMs, undefined, { signal: over, ref: false }).catch(() => undefined);
    if (over.aborted) return;
    while (!over.aborted) {
      await untilAnswered(over, this.#onFault, () => this.#write(id, ""));
      await sleep(renewMs, undefined, { signal: over, ref: false }).catch(() => undefined);
    }
    await untilAnswered(this.#signal, this.#onFault, () => this.#write(id, null));
  }

  async #write(id: JobId, value: string | null): Promise<void> {
    await (await this.#state()).write([{ key: keyOf(id), value, ...(value !== null && { expiresMs: forgottenMs }) }]);
  }
}
