/** One connection per role, each made when first used: a slow or blocked one never holds up another. */
import type { StoreOptions } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";
import { Link, type LinkOptions } from "./link.ts";
import { checkServer } from "./server.ts";
import type { Endpoint } from "./url.ts";

export class Connections {
  readonly options: StoreOptions;
  readonly name: string;
  /** Publishing, administration, leases, results. */
  readonly command: Link;
  /** Reserve, commit and mark. */
  readonly runner: Link;
  /** Small documents, counters and logs. */
  readonly state: Link;
  /** Subscriptions of the bus, of results and of logs. */
  readonly subscriber: Link;
  readonly #endpoint: Endpoint;
  readonly #links: Link[] = [];
  readonly #closing = new AbortController();

  constructor(endpoint: Endpoint, keys: Keys, options: StoreOptions) {
    this.options = options;
    this.name = endpoint.name;
    this.#endpoint = endpoint;
    const prepare = (connection: Connection) => checkServer(connection, keys, endpoint.name);
    this.command = this.#link("command", { prepare });
    this.runner = this.#link("runner", { prepare });
    this.state = this.#link("state", { prepare });
    this.subscriber = this.#link("subscriber", {});
  }

  /** A connection that hears when keys it read are touched. */
  bell(tracking: NonNullable<LinkOptions["tracking"]>): Link {
    return this.#link("bell", { tracking });
  }

  /** Aborts when the store closes: what still listens ends then. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  #link(role: string, more: Pick<LinkOptions, "prepare" | "tracking">): Link {
    const { deadlineMs, onFault } = this.options;
    const link = new Link({ endpoint: this.#endpoint, role, deadlineMs, onFault, ...more });
    this.#links.push(link);
    return link;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#links.map((link) => link.close()));
  }
}
