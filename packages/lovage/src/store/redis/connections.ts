/** One connection per role, each made when first used: a slow or blocked one never holds up another. */
import type { StoreOptions } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Keys } from "./keys.ts";
import { Link, type LinkOptions } from "./link.ts";
import { assertMaster } from "./sentinel.ts";
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
  readonly #keys: Keys;
  /** Each role's, and the run of the server with which it was connected last. */
  readonly #servers = new Map<Link, string>();
  readonly #closing = new AbortController();

  constructor(endpoint: Endpoint, keys: Keys, options: StoreOptions) {
    this.options = options;
    this.name = endpoint.name;
    this.#endpoint = endpoint;
    this.#keys = keys;
    this.command = this.#link("command", {});
    this.runner = this.#link("runner", {});
    this.state = this.#link("state", {});
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

  #link(role: string, more: Pick<LinkOptions, "tracking">): Link {
    const { deadlineMs, onFault, lookup } = this.options;
    const prepare = (connection: Connection) => this.#prepare(link, connection);
    const link: Link = new Link({ endpoint: this.#endpoint, lookup, role, deadlineMs, onFault, prepare, ...more });
    this.#servers.set(link, "");
    return link;
  }

  async #prepare(link: Link, connection: Connection): Promise<void> {
    if (this.#endpoint.sentinels !== undefined) await assertMaster(connection);
    const server = await checkServer(connection, this.#keys, this.#endpoint.name);
    this.#servers.set(link, server);
    // A name led elsewhere: a role that only listens would stay with the old server, and hear nothing.
    for (const [other, its] of this.#servers) if (its !== server) other.reconnect(new Error("the server is another one now"));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#servers.keys()].map((link) => link.close()));
  }
}
