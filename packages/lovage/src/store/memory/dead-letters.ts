import type { DeadLetter, DeadLetterCount, DeadLetterId, DeadLetterQuery, DeadLetters, Replay } from "../../broker/dead-letters.ts";
import { collect, idOf, placeOf } from "../dead-letter-page.ts";
import { assertSizes } from "../sizes.ts";
import { takePartBack } from "./chords.ts";
import { enqueue } from "./queues.ts";
import { resultTopic } from "./results.ts";
import { claimUnique } from "./uniques.ts";
import type { View } from "./world.ts";

/** The newest last; what died at the same millisecond stands in its order. */
export function bury(view: View, letter: Omit<DeadLetter, "id">): void {
  const { dead } = view.space;
  const key = view.nextSequence().toString(16).padStart(16, "0");
  let at = dead.length;
  while (at > 0 && (dead[at - 1] as DeadLetter).at > letter.at) at -= 1;
  dead.splice(at, 0, { ...letter, id: idOf({ at: letter.at, key }) });
}

export class MemoryDeadLetters implements DeadLetters {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  get #dead(): DeadLetter[] {
    return this.#view.space.dead;
  }

  async count(): Promise<number> {
    return this.#dead.length;
  }

  async counts(): Promise<readonly DeadLetterCount[]> {
    const counts = new Map<string, DeadLetterCount>();
    for (const { queue, reason } of this.#dead) {
      const field = `${reason}|${queue}`;
      counts.set(field, { queue, reason, count: (counts.get(field)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  }

  async get(id: DeadLetterId): Promise<DeadLetter | undefined> {
    return this.#dead.find((letter) => letter.id === id);
  }

  list(limit: number, query: DeadLetterQuery = {}): Promise<readonly DeadLetter[]> {
    return collect(limit, query, async (count, after) => {
      const newestFirst = [...this.#dead].reverse();
      if (after === undefined) return newestFirst.slice(0, count);
      const isBehind = ({ at, id }: DeadLetter) => at < after.at || (at === after.at && (placeOf(id)?.key ?? "") < after.key);
      return newestFirst.filter(isBehind).slice(0, count);
    });
  }

  async replay({ id, message, ended }: Replay): ReturnType<DeadLetters["replay"]> {
    const view = this.#view;
    const at = this.#dead.findIndex((letter) => letter.id === id);
    if (at < 0) return false;
    assertSizes({ messages: [message] });
    const heldBy = claimUnique(view, message);
    if (heldBy !== null) return { heldBy };
    this.#dead.splice(at, 1);
    if (ended) {
      const { taskId, chord } = ended;
      const { documents } = view.results;
      if (documents.get(taskId)?.value.state !== "SUCCESS" && documents.delete(taskId)) view.changes.notify(resultTopic(taskId));
      if (chord) takePartBack(view, { ...chord, taskId });
    }
    enqueue(view, message);
    return true;
  }

  async discard(ids: readonly DeadLetterId[]): Promise<number> {
    const isMeant = new Set(ids);
    return this.#remove((letter) => isMeant.has(letter.id));
  }

  async add(letters: readonly Omit<DeadLetter, "id">[]): Promise<void> {
    for (const letter of letters) bury(this.#view, letter);
  }

  async trim({ most, olderThanMs }: Parameters<DeadLetters["trim"]>[0]): Promise<number> {
    const surplus = new Set(most === null ? [] : this.#dead.slice(0, Math.max(0, this.#dead.length - most)));
    const before = olderThanMs === null ? Number.NEGATIVE_INFINITY : this.#view.now() - olderThanMs;
    const removed = this.#remove((letter) => surplus.has(letter) || letter.at < before);
    const { counters } = this.#view.space;
    if (removed > 0) counters.set("dead-letters|DROPPED", (counters.get("dead-letters|DROPPED") ?? 0) + removed);
    return removed;
  }

  #remove(isMeant: (letter: DeadLetter) => boolean): number {
    const kept = this.#dead.filter((letter) => !isMeant(letter));
    const removed = this.#dead.length - kept.length;
    this.#dead.splice(0, this.#dead.length, ...kept);
    return removed;
  }
}
