/** What a node is at and has done, for its heartbeats: asked of its runners' watchdogs, which answer while user code loops. */
import { loadavg } from "node:os";
import type { NodeFigures } from "../../events/worker-events.ts";
import type { Epoch } from "../../message/commit.ts";
import type { Member } from "./member.ts";

/** Milliseconds for a watchdog to answer: a beat waits for it. */
const askWithinMs = 250;

interface Known {
  readonly active: number;
  readonly processed: number;
}

export class Figures {
  readonly #members: () => readonly Member[];
  readonly #known = new Map<Epoch, Known>();
  #processedByGone = 0;

  constructor(members: () => readonly Member[]) {
    this.#members = members;
  }

  /** Of a runner that does not answer: as it was. */
  async now(): Promise<NodeFigures> {
    await Promise.all(this.#members().map((member) => this.#ask(member)));
    const all = [...this.#known.values()];
    const active = all.reduce((sum, known) => sum + known.active, 0);
    const processed = all.reduce((sum, known) => sum + known.processed, this.#processedByGone);
    return { active, processed, loadavg: loadavg() };
  }

  /** Its last word. */
  drained({ epoch }: Member, processed: number): void {
    this.#known.set(epoch, { active: 0, processed });
  }

  gone({ epoch }: Member): void {
    this.#processedByGone += this.#known.get(epoch)?.processed ?? 0;
    this.#known.delete(epoch);
  }

  async #ask({ epoch, runner }: Member): Promise<void> {
    const slots = await runner.slots(askWithinMs).catch(() => null);
    if (slots === null || !this.#members().some((member) => member.epoch === epoch)) return;
    const active = slots.taken.filter(({ state }) => state !== "abandoned").length;
    const processed = Math.max(slots.tasksDone, this.#known.get(epoch)?.processed ?? 0);
    this.#known.set(epoch, { active, processed });
  }
}
