/**
 * Queues that nobody is to take from for a while. One small document in the state store, so it outlives every process; who changes it
 * rings on the bus, and who missed that sees it with the next look. Only Lovage's nodes know of it.
 */
import type { QueueName } from "../message/task-message.ts";
import type { Bus } from "./bus.ts";
import type { StateStore } from "./state-store.ts";

export interface Pause {
  readonly queue: QueueName;
  /** Milliseconds since 1970, by the clock of who paused it. */
  readonly since: number;
  /** The host from which. */
  readonly by: string;
  /** For people. */
  readonly why: string | null;
}

export const pausesKey = "queues/paused";
/** The bus channel on which a change is announced. */
export const pausesChannel = "queues/paused";

export async function readPauses(state: StateStore): Promise<readonly Pause[]> {
  return (await readDocument(state)).pauses;
}

/** false: it was paused already, and stays so. */
export const addPause = (state: StateStore, bus: Bus, pause: Pause): Promise<boolean> =>
  change(state, bus, (pauses) => (pauses.some(({ queue }) => queue === pause.queue) ? undefined : [...pauses, pause]));

/** false: it was not paused. */
export const removePause = (state: StateStore, bus: Bus, name: QueueName): Promise<boolean> =>
  change(state, bus, (pauses) => (pauses.some(({ queue }) => queue === name) ? pauses.filter(({ queue }) => queue !== name) : undefined));

async function change(state: StateStore, bus: Bus, next: (pauses: readonly Pause[]) => readonly Pause[] | undefined): Promise<boolean> {
  for (;;) {
    const { pauses, version } = await readDocument(state);
    const wanted = next(pauses);
    if (wanted === undefined) return false;
    const value = wanted.length === 0 ? null : JSON.stringify(wanted);
    // Somebody else may pause another queue at this moment.
    if ((await state.write([{ key: pausesKey, value, ifVersion: version }]))[0] !== true) continue;
    await bus.publish(pausesChannel, "");
    return true;
  }
}

async function readDocument(state: StateStore): Promise<{ readonly pauses: readonly Pause[]; readonly version: number }> {
  const [found] = await state.read([pausesKey]);
  if (found === undefined) return { pauses: [], version: 0 };
  return { pauses: JSON.parse(new TextDecoder().decode(found.value)) as readonly Pause[], version: found.version };
}
