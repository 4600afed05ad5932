/**
 * The store in this process's memory: for tests, `inline` and embedding. Every rule of the durable stores holds, on the clock
 * it is given. `memory:` is a world of its own; connections to `memory:<name>` share one for as long as one of them is open.
 */
import { ConfigError } from "../../kernel/errors.ts";
import type { Store, StoreOptions } from "../store.ts";
import { MemoryBroker } from "./broker.ts";
import { MemoryBus } from "./bus.ts";
import { MemoryDeadLetters } from "./dead-letters.ts";
import { MemoryLeases } from "./leases.ts";
import { MemoryLimits } from "./limits.ts";
import { MemoryResults } from "./results.ts";
import { MemoryRevokes } from "./revokes.ts";
import { MemoryState } from "./state.ts";
import { type View, World } from "./world.ts";

interface SharedWorld {
  readonly world: World;
  connections: number;
}
const sharedWorlds = new Map<string, SharedWorld>();

/** @throws {ConfigError} when the URL is not `memory:` or `memory:<name>`. */
export async function open(url: string, options: StoreOptions): Promise<Store> {
  const name = /^memory:(?:\/\/)?([\w.-]*)$/.exec(url)?.[1];
  if (name === undefined) {
    throw new ConfigError(
      "LOVAGE_STORE_URL",
      `Cannot open "${url}": a memory store is named memory: or memory:<name>, with letters, digits, ".", "_" and "-".`,
      {
        details: { url },
      },
    );
  }
  const shared = sharedWorlds.get(name) ?? { world: new World(), connections: 0 };
  if (name !== "") sharedWorlds.set(name, shared);
  shared.connections += 1;
  return connect(shared.world, `memory:${name}`, options, () => {
    shared.connections -= 1;
    if (shared.connections === 0) sharedWorlds.delete(name);
  });
}

function connect(world: World, name: string, options: StoreOptions, onClose: () => void): Store {
  const closing = new AbortController();
  const view: View = {
    name,
    options,
    changes: world.changes,
    queues: world.queues(options.keyPrefix),
    results: world.results(options.keyPrefix + options.resultKeyPrefix),
    space: world.space(options.namespace),
    nextSequence: () => world.nextSequence(),
    now: () => options.clock.now(),
    closing: closing.signal,
  };
  const { space } = view;
  const bus = new MemoryBus(space.wire, closing.signal);
  return {
    name,
    broker: new MemoryBroker(view),
    leases: new MemoryLeases(view),
    limits: new MemoryLimits(view),
    results: new MemoryResults(view),
    revokes: new MemoryRevokes(view, bus),
    deadLetters: new MemoryDeadLetters(view),
    bus,
    state: new MemoryState(view),
    ping: async () => ({ server: "memory", durability: "none: everything ends with this process", findings: [] }),
    counters: async () => Object.fromEntries(space.counters),
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      // Whoever listens looks again, and those of this connection end.
      world.changes.notifyAll();
      for (const subscriber of space.wire.subscribers) subscriber.bell.ring();
      onClose();
    },
  };
}
