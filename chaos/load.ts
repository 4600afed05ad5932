/** What a campaign sends, and what became of it: single tasks, and chords whose body shows what was joined. */
import { type App, chord } from "lovage";
import { type Chance, pick } from "lovage/testing";
import { body, step } from "./app.ts";
import type { Plan } from "./plan.ts";

/** One publication. */
const perBatch = 20;
/** Results read at a time. */
const perRead = 500;
const membersOfChord = 4;
/** More than all nodes have slots. */
const longTasks = 60;

/** Where a label's effective token stands: in the result of this task, at this place of its value. */
interface Place {
  readonly taskId: string;
  readonly at: number | null;
}

export class Load {
  chords = 0;
  readonly #app: App;
  readonly #plan: Plan;
  readonly #chance: Chance;
  readonly #places = new Map<string, Place>();

  constructor(app: App, plan: Plan, chance: Chance) {
    this.#app = app;
    this.#plan = plan;
    this.#chance = chance;
  }

  /** Tasks whose sending was acknowledged, bodies too. */
  get sent(): number {
    return this.#places.size;
  }

  get labels(): Iterable<string> {
    return this.#places.keys();
  }

  async sendRound(round: number): Promise<void> {
    const { tasksPerRound, chordPercent, zombies } = this.#plan;
    if (zombies.some((zombie) => zombie.round === round)) await this.#sendLong(round);
    const chords = Math.round((tasksPerRound * chordPercent) / 100 / (membersOfChord + 1));
    const singles = tasksPerRound - chords * (membersOfChord + 1);
    const labels = Array.from({ length: singles }, (_, i) => `${round}/${i}`);
    const chordLabels = Array.from({ length: chords }, (_, i) => `${round}/chord-${i}`);
    while (labels.length + chordLabels.length > 0) {
      // Their turns come by their shares, so that chords are under way in the whole of the round.
      const ofChords = this.#chance() * (labels.length + chordLabels.length * membersOfChord) >= labels.length;
      if (ofChords) await this.#sendChords(chordLabels.splice(0, perBatch / (membersOfChord + 1)));
      else await this.#sendSingles(labels.splice(0, perBatch));
    }
  }

  /** As the store counts: commits that took effect. */
  async done(): Promise<number> {
    const { steps, bodies } = await this.counted();
    return steps + bodies;
  }

  async counted(): Promise<{ readonly steps: number; readonly bodies: number }> {
    const counters = await (await this.#app.store()).counters();
    return { steps: counters["chaos.step|SUCCESS"] ?? 0, bodies: counters["chaos.body|SUCCESS"] ?? 0 };
  }

  /** The token of each label's run that took effect. A label without one has no result. */
  async effective(): Promise<ReadonlyMap<string, string>> {
    const { results } = await this.#app.store();
    const ids = [...new Set([...this.#places.values()].map(({ taskId }) => taskId))];
    const values = new Map<string, unknown>();
    for (let from = 0; from < ids.length; from += perRead)
      for (const found of await results.load(ids.slice(from, from + perRead))) {
        const { status, result } = JSON.parse(found?.document ?? "{}") as { readonly status?: string; readonly result?: unknown };
        if (found !== undefined && status === "SUCCESS") values.set(found.taskId, result);
      }
    const tokens = new Map<string, string>();
    for (const [label, { taskId, at }] of this.#places) {
      const value = values.get(taskId);
      const token = at === null ? value : (value as readonly unknown[] | undefined)?.[at];
      if (typeof token === "string") tokens.set(label, token);
    }
    return tokens;
  }

  /** They are what is held where a node is frozen: some outlast the freeze, the others the patience of who waits for the node. */
  #sendLong(round: number): Promise<void> {
    const { frozenMs } = this.#plan;
    const labels = Array.from({ length: longTasks }, (_, i) => `${round}/long-${i}`);
    return this.#sendSingles(labels, (i) => frozenMs * (i % 2 === 0 ? 0.1 : 0.85));
  }

  async #sendSingles(labels: readonly string[], ms: (index: number) => number = () => this.#ms()): Promise<void> {
    const calls = labels.map((label, i): [string, number] => [label, ms(i)]);
    const results = await this.#app.sendMany(step, calls);
    for (const [i, { id }] of results.entries()) this.#places.set(labels[i] as string, { taskId: id, at: null });
  }

  async #sendChords(labels: readonly string[]): Promise<void> {
    const membersOf = (label: string) => Array.from({ length: membersOfChord }, (_, i) => `${label}/${i}`);
    const canvases = labels.map((label) =>
      chord(
        membersOf(label).map((member) => step.s(member, this.#ms())),
        body.s(label, this.#ms()),
      ),
    );
    const results = await this.#app.sendMany(canvases);
    this.chords += labels.length;
    for (const [i, { id }] of results.entries())
      for (const [at, label] of [labels[i] as string, ...membersOf(labels[i] as string)].entries())
        this.#places.set(label, { taskId: id, at });
  }

  #ms(): number {
    return pick(this.#chance, [0, 0, 1, 2, 5, this.#plan.mostMs]) ?? 0;
  }
}
