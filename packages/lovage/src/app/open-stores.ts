/** The stores of one app: opened at the first need, once, shared by all that ask; a failed opening is tried again. */
import type { LookupFunction } from "node:net";
import type { StateStore } from "../broker/state-store.ts";
import type { Clock } from "../kernel/clock.ts";
import { BrokerUnavailableError, UsageError } from "../kernel/errors.ts";
import { maskSecrets } from "../kernel/mask-secrets.ts";
import { defaultStoreOptions, type Store, type StoreOptions } from "../store/store.ts";
import { openStore } from "./adapters.ts";
import type { ResolvedConfig } from "./config.ts";

export class AppStores {
  readonly #clock: Clock;
  readonly #lookup: LookupFunction | undefined;
  /** Hears of every fault, also of stores that were opened before it was set. */
  onFault: (fault: unknown) => void;
  readonly #opening = new Map<string, Promise<Store>>();
  #closed = false;
  /** The broker's, once it is there: no wait on the way of every message. */
  opened: Store | undefined;

  constructor(clock: Clock, onFault: (fault: unknown) => void, lookup: LookupFunction | undefined) {
    this.#clock = clock;
    this.#lookup = lookup;
    this.onFault = onFault;
  }

  /** True once any of them was asked for. */
  get inUse(): boolean {
    return this.#opening.size > 0;
  }

  async store(config: ResolvedConfig): Promise<Store> {
    this.opened ??= await this.#open(config.broker, config);
    return this.opened;
  }

  async state(config: ResolvedConfig): Promise<StateStore> {
    if (config.state === null || config.state === config.broker) return (await this.store(config)).state;
    return (await this.#open(config.state, config)).state;
  }

  async spool(config: ResolvedConfig): Promise<StateStore> {
    return (await this.#open(config.spool, config)).state;
  }

  #open(url: string, config: ResolvedConfig): Promise<Store> {
    if (this.#closed) throw new UsageError("LOVAGE_APP_CLOSED", `App "${config.name}" was closed: create a new one to go on.`);
    const known = this.#opening.get(url);
    if (known !== undefined) return known;
    const opening = withDeadline(
      openStore(url, { ...storeOptions(config, this.#clock, (fault) => this.onFault(fault)), lookup: this.#lookup }),
      url,
      config.deadlineMs,
    );
    this.#opening.set(url, opening);
    opening.catch(() => this.#opening.delete(url));
    return opening;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.opened = undefined;
    const stores = await Promise.allSettled(this.#opening.values());
    this.#opening.clear();
    const closing = await Promise.allSettled(stores.map((each) => (each.status === "fulfilled" ? each.value.close() : undefined)));
    for (const each of closing) if (each.status === "rejected") this.onFault(each.reason);
  }
}

/** A store that comes after its deadline is closed again: nobody holds it. */
async function withDeadline(opening: Promise<Store>, url: string, deadlineMs: number): Promise<Store> {
  let timer: NodeJS.Timeout | undefined;
  let late = false;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(unavailable(url, deadlineMs));
    }, deadlineMs);
  });
  opening.then((store) => (late ? store.close() : undefined)).catch(() => undefined);
  try {
    return await Promise.race([opening, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(url: string, deadlineMs: number): BrokerUnavailableError {
  const name = maskSecrets(url);
  return new BrokerUnavailableError(
    "LOVAGE_BROKER_UNAVAILABLE",
    `The store ${name} did not open within ${deadlineMs} ms. Is it running, and can it be reached from here?`,
    { details: { store: name, deadlineMs, maybeAccepted: false } },
  );
}

function storeOptions(config: ResolvedConfig, clock: Clock, onFault: (fault: unknown) => void): StoreOptions {
  const broker = config.brokerTransportOptions;
  const results = config.resultBackendTransportOptions;
  const either = (options: Readonly<Record<string, unknown>>, name: string, snake: string): unknown => options[name] ?? options[snake];
  const login = (either(broker, "sentinelKwargs", "sentinel_kwargs") ?? {}) as { readonly username?: string; readonly password?: string };
  const service = either(broker, "masterName", "master_name") as string | undefined;
  return {
    clock,
    onFault,
    sentinel: { ...login, ...(service !== undefined && { service }) },
    namespace: config.namespace,
    deadlineMs: config.deadlineMs,
    prioritySteps: (either(broker, "prioritySteps", "priority_steps") as number[] | undefined) ?? defaultStoreOptions.prioritySteps,
    separator: (broker.sep as string | undefined) ?? defaultStoreOptions.separator,
    keyPrefix: (either(broker, "globalKeyprefix", "global_keyprefix") as string | undefined) ?? defaultStoreOptions.keyPrefix,
    resultKeyPrefix: (either(results, "globalKeyprefix", "global_keyprefix") as string | undefined) ?? defaultStoreOptions.resultKeyPrefix,
    chordOrdered:
      (either(results, "resultChordOrdered", "result_chord_ordered") as boolean | undefined) ?? defaultStoreOptions.chordOrdered,
  };
}
