/** One server seen through all its seams. An adapter (`store/memory`, `store/sqlite`, `store/redis`) implements exactly this. */

import type { LookupFunction } from "node:net";
import type { Broker } from "../broker/broker.ts";
import type { Bus } from "../broker/bus.ts";
import type { DeadLetters } from "../broker/dead-letters.ts";
import type { EventExchange } from "../broker/event-exchange.ts";
import type { Leases } from "../broker/leases.ts";
import type { Limits } from "../broker/limits.ts";
import type { Pidbox } from "../broker/pidbox.ts";
import type { Revokes } from "../broker/revokes.ts";
import type { StateStore } from "../broker/state-store.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ResultBackend } from "../results/result-backend.ts";

export interface Store {
  /** URL without password, for people. */
  readonly name: string;
  readonly broker: Broker;
  readonly leases: Leases;
  readonly limits: Limits;
  readonly results: ResultBackend;
  readonly revokes: Revokes;
  readonly deadLetters: DeadLetters;
  readonly bus: Bus;
  readonly state: StateStore;
  /** Only where Python's control messages travel too. */
  readonly pidbox?: Pidbox;
  /** Only where Python's events travel too. */
  readonly events?: EventExchange;
  /** Resolves when the store answers. @throws {BrokerUnavailableError} after `deadlineMs`. @throws {ConfigError} for a server or format we can't use. */
  ping(deadlineMs: number): Promise<StoreReport>;
  /** Slow questions for `lovage doctor`, beyond what `ping` tells. Changes nothing. */
  examine?(): Promise<readonly Finding[]>;
  /** Counters of all commits so far: `task|state` → number, `task|state|le:<ms>` → runtime histogram. */
  counters(): Promise<Readonly<Record<string, number>>>;
  /** Waits for calls under way, at most 1 s, then lets go of everything. */
  close(): Promise<void>;
}

/** What `lovage report`, `lovage doctor` and a starting node print: server, version, how far it keeps what it acknowledged, and what is wrong. */
export interface StoreReport {
  readonly server: string;
  readonly durability: string;
  readonly findings: readonly Finding[];
}

/** Something that whoever runs the store should know. */
export interface Finding {
  /** Stable, for machines: "eviction", "memory". */
  readonly what: string;
  /** fatal: no node starts on it unless told to. warning: something will be lost or fail. note: good to know. */
  readonly level: "fatal" | "warning" | "note";
  /** What it is, what follows from it, and what to do. */
  readonly message: string;
}

export interface StoreOptions {
  readonly clock: Clock;
  /** First part of our own keys; fleets with different namespaces on one server do not see each other's nodes. Default "default". */
  readonly namespace: string;
  /** Milliseconds a publish or a read may take before it ends in `BrokerUnavailableError`. Default 2000. */
  readonly deadlineMs: number;
  /** Celery's `broker_transport_options` that matter to keys: `priority_steps`, `sep`, `global_keyprefix`; and `result_chord_ordered`. */
  readonly prioritySteps: readonly number[];
  readonly separator: string;
  readonly keyPrefix: string;
  readonly resultKeyPrefix: string;
  readonly chordOrdered: boolean;
  /** Who is asked for the server of a `sentinel:` URL, as far as the URL does not say it. */
  readonly sentinel: { readonly service?: string; readonly username?: string; readonly password?: string };
  /** Resolves host names of servers, each time a connection is made. Default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined;
  /** Background faults (a lost connection, a bell that had to be rebuilt): reported here, never thrown into the void. */
  readonly onFault: (fault: unknown) => void;
}

export const defaultStoreOptions: Omit<StoreOptions, "clock" | "onFault"> = {
  namespace: "default",
  deadlineMs: 2000,
  prioritySteps: [0, 3, 6, 9],
  separator: "\u0006\u0016",
  keyPrefix: "",
  resultKeyPrefix: "",
  chordOrdered: true,
  sentinel: {},
};

/** Runtime histogram bounds in milliseconds, the last one open. */
export const runtimeBoundsMs: readonly number[] = [
  5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 3_600_000,
];
