/**
 * Publishing: what is sent in one turn of the event loop goes to the store as one publication, and each caller gets its own
 * answer. Knows messages as bytes only; when the store refuses a merged publication, each is tried by itself, so that one
 * caller's mistake is nobody else's.
 */
import type { Broker } from "../broker/broker.ts";
import { BrokerUnavailableError, isLovageError } from "../kernel/errors.ts";
import { soon } from "../kernel/soon.ts";
import type { ChordStart, Outgoing, Publication } from "../message/commit.ts";

/** Above this a publication leaves at once; the rest of the turn goes into the next. */
const mostMessages = 1000;
const mostCharacters = 4 * 1024 * 1024;

interface Waiting {
  readonly publication: Publication;
  readonly accepted: (nothing: undefined) => void;
  readonly failed: (error: unknown) => void;
}

export class Publisher {
  readonly #broker: Pick<Broker, "publish">;
  readonly #deadlineMs: number;
  #waiting: Waiting[] = [];
  #messages = 0;
  #characters = 0;

  constructor(broker: Pick<Broker, "publish">, deadlineMs: number) {
    this.#broker = broker;
    this.#deadlineMs = deadlineMs;
  }

  /** @throws {BrokerUnavailableError} after the deadline, with the ids of this publication; what the store refuses for good. */
  publish(publication: Publication): Promise<undefined> {
    return new Promise((accepted, failed) => {
      if (this.#waiting.length === 0) soon(() => this.#flush());
      this.#waiting.push({ publication, accepted, failed });
      this.#messages += publication.messages.length;
      for (const { bytes } of publication.messages) this.#characters += bytes.length;
      if (this.#messages >= mostMessages || this.#characters >= mostCharacters) this.#flush();
    });
  }

  #flush(): void {
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    this.#messages = 0;
    this.#characters = 0;
    void this.#publishAll(batch);
  }

  async #publishAll(batch: readonly Waiting[]): Promise<void> {
    const [only, second] = batch;
    if (only === undefined) return;
    const whole = second === undefined ? only.publication : merged(batch);
    try {
      await this.#broker.publish(whole, { deadlineMs: this.#deadlineMs });
      for (const { accepted } of batch) accepted(undefined);
    } catch (error) {
      if (second === undefined || isLovageError(error, "LOVAGE_BROKER_UNAVAILABLE") || isUnavailable(error)) failAll(batch, error);
      else await Promise.all(batch.map((each) => this.#publishAll([each])));
    }
  }
}

function merged(batch: readonly Waiting[]): Publication {
  const messages: Outgoing[] = [];
  const chords: ChordStart[] = [];
  for (const { publication } of batch) {
    for (const message of publication.messages) messages.push(message);
    for (const chord of publication.chords ?? []) chords.push(chord);
  }
  return { messages, chords };
}

const isUnavailable = (error: unknown): boolean => isLovageError(error) && error.name === "BrokerUnavailableError";

function failAll(batch: readonly Waiting[], error: unknown): void {
  for (const { publication, failed } of batch)
    failed(isUnavailable(error) ? forCaller(error as BrokerUnavailableError, publication) : error);
}

/** The ids are the caller's own: with them it can send again safely, or look whether the first try arrived. */
function forCaller(error: BrokerUnavailableError, { messages }: Publication): BrokerUnavailableError {
  const taskIds = messages.map(({ taskId }) => taskId);
  return new BrokerUnavailableError(error.code, error.message, { cause: error, details: { ...error.details, taskIds } });
}
