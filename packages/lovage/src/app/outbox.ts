/** The way out of an app: to its broker, and while that is away, to where `publishFallback` says. */
import type { Broker } from "../broker/broker.ts";
import type { BrokerUnavailableError } from "../kernel/errors.ts";
import type { Publication } from "../message/commit.ts";
import type { ResultSource } from "../results/result-source.ts";
import { Publisher } from "./publisher.ts";
import { isAway, type Spool } from "./spool.ts";

/** The app on a store in this process's memory. */
export interface Twin {
  /** Answers with where the results will be. */
  publish(publication: Publication): Promise<ResultSource>;
  close(): Promise<void>;
}

export interface OutboxOptions {
  broker(): Promise<Broker>;
  readonly deadlineMs: number;
  readonly spool: Spool | null;
  /** Starts it and what serves it; null: nothing runs here. */
  readonly openTwin: (() => Promise<Twin>) | null;
  readonly onFault: (fault: unknown) => void;
}

/** So long nobody waits again for a broker that was away just now. */
const awayMs = 5000;

export class Outbox {
  readonly spool: Spool | null;
  readonly #options: OutboxOptions;
  #publisher: Pick<Publisher, "publish"> | undefined;
  #twin: Promise<Twin> | undefined;
  #awayUntil = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.spool = options.spool;
    if (options.spool !== null) this.#publisher = new Publisher(options.spool, options.deadlineMs);
  }

  /** Resolves with where the results will be, if not where the app has all of them. `known`: its tasks are this app's own. */
  publish(publication: Publication, known: () => boolean): Promise<ResultSource | undefined> {
    if (this.#options.openTwin !== null && known()) return this.#orHere(publication, this.#options.openTwin);
    return this.#toBroker(publication);
  }

  #toBroker(publication: Publication): Promise<undefined> {
    if (this.#publisher !== undefined) return this.#publisher.publish(publication);
    return this.#openPublisher().then((publisher) => publisher.publish(publication));
  }

  async #openPublisher(): Promise<Pick<Publisher, "publish">> {
    const broker = await this.#options.broker();
    const { deadlineMs } = this.#options;
    this.#publisher ??= broker.features.joins === true ? straightTo(broker, deadlineMs) : new Publisher(broker, deadlineMs);
    return this.#publisher;
  }

  /** What the broker may have accepted all the same must not run here as well: that error is the caller's. */
  async #orHere(publication: Publication, openTwin: () => Promise<Twin>): Promise<ResultSource | undefined> {
    if (performance.now() >= this.#awayUntil) {
      try {
        return await this.#toBroker(publication);
      } catch (error) {
        if (!isAway(error) || error.details.maybeAccepted !== false) throw error;
        if (this.#awayUntil === 0) this.#options.onFault(error);
        this.#awayUntil = performance.now() + awayMs;
        return await this.#here(publication, openTwin, error);
      }
    }
    return this.#here(publication, openTwin);
  }

  async #here(publication: Publication, openTwin: () => Promise<Twin>, away?: BrokerUnavailableError): Promise<ResultSource> {
    this.#twin ??= openTwin();
    const twin = await this.#twin.catch((error: unknown) => {
      this.#twin = undefined;
      this.#options.onFault(error);
      throw away ?? error;
    });
    return twin.publish(publication);
  }

  async close(): Promise<void> {
    this.spool?.close();
    this.#publisher = undefined;
    await (await this.#twin)?.close();
  }
}

const straightTo = (broker: Broker, deadlineMs: number): Pick<Publisher, "publish"> => ({
  publish: (publication) => broker.publish(publication, { deadlineMs }) as Promise<undefined>,
});
