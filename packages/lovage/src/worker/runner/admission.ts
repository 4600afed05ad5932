/**
 * Asks the store whether deliveries of limited tasks may start. Those of one turn of the loop go together, one call at a time on
 * the wire; a call is made again until it is answered. What finds no room is parked by the store, and is ours no more.
 */

import type { Admission as Answer, Ask, Limits } from "../../broker/limits.ts";
import { type Backoff, backoffDelayMs } from "../../kernel/backoff.ts";
import type { Clock } from "../../kernel/clock.ts";
import { isLovageError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import { soon } from "../../kernel/soon.ts";
import type { Epoch } from "../../message/commit.ts";
import type { TaskMessage } from "../../message/task-message.ts";
import { parseWireTime } from "../../message/wire-time.ts";
import type { AnyTask } from "../../task/task-definition.ts";
import { type DemandFacts, demandsOf, isLimited } from "./demands.ts";
import type { Held } from "./held.ts";

const backoff: Backoff = { firstMs: 50, factor: 2, maxMs: 2000, jitter: "none" };

export interface AdmissionOptions extends DemandFacts {
  readonly epoch: Epoch;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Logger;
  onFenced(): void;
}

interface Waiting {
  readonly ask: Ask;
  resolve(answer: Answer): void;
}

export class Admission {
  readonly #options: AdmissionOptions;
  #queue: Waiting[] = [];
  #busy = false;
  #closed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  concerns(message: TaskMessage, task: AnyTask): boolean {
    return isLimited(task, message, this.#options);
  }

  /** After `close` it never settles. @throws what the task's own key functions throw. */
  async ask(held: Held, message: TaskMessage, task: AnyTask): Promise<Answer> {
    const demands = await demandsOf(task, message, this.#options);
    const { unique } = message.lovage;
    const frees = unique?.until === "start" ? { key: unique.key, taskId: message.id } : undefined;
    if (demands.length === 0 && frees === undefined) return { kind: "granted" };
    const expiresMs = message.expires === null ? undefined : parseWireTime(message.expires);
    return this.#add({
      number: held.number,
      taskId: message.id,
      demands,
      ...(expiresMs !== undefined && { expiresMs }),
      ...(frees !== undefined && { frees }),
    });
  }

  close(): void {
    this.#closed = true;
  }

  #add(ask: Ask): Promise<Answer> {
    return new Promise((resolve) => {
      this.#queue.push({ ask, resolve });
      if (this.#busy) return;
      this.#busy = true;
      soon(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    const { epoch, limits, clock, log, onFenced } = this.#options;
    for (let failures = 0; this.#queue.length > 0 && !this.#closed; ) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        const asks = batch.map(({ ask }) => ask);
        const answers = await limits.admit(epoch, asks);
        if (this.#closed) return;
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index] ?? { kind: "fenced" });
        failures = 0;
      } catch (error) {
        if (isLovageError(error, "LOVAGE_EPOCH_CLOSED")) return onFenced();
        if (failures === 0) log.warn("runner.admission-failed", { asks: batch.length, error });
        this.#queue = [...batch, ...this.#queue];
        await clock.sleep(backoffDelayMs(backoff, failures));
        failures += 1;
      }
    }
    this.#busy = false;
  }
}
