/** Draws canvases from a seed: every shape that users compose, four deep, with failures and links at any level. */
import type { Canvas, ChainNode, ChordNode, Errback, GroupNode, Kind, TaskNode } from "./canvas.ts";

/** mulberry32: the same seed draws the same canvases on every machine. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const maxDepth = 4;

/** The `index`th canvas of a seed, whatever was drawn before it. */
export function generate(seed: number, index: number): Canvas {
  return new Draw(randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))).canvas(0);
}

/** Where a canvas stands decides what it may be: see `Draw.any`. */
interface Place {
  /** It must end in one task: the value goes on, or nobody could wait for more. */
  readonly single?: boolean;
  /** It must not be an empty group: Celery 5.6 loses count of a chord that has such an end in its header. */
  readonly last?: boolean;
}

class Draw {
  readonly #random: () => number;
  readonly #failures: number;
  readonly #links: number;
  readonly #mixed: boolean;
  #labels = 0;
  #budget: number;

  constructor(random: () => number) {
    this.#random = random;
    this.#budget = 4 + Math.floor(random() * 20);
    // Many without any failure: else few canvases would ever be run to their end.
    this.#failures = random() < 0.5 ? 0 : random() * 0.25;
    this.#links = random() < 0.4 ? 0 : 0.15;
    this.#mixed = random() < 0.8;
  }

  canvas(depth: number, place: Place = {}): Canvas {
    const roll = this.#random();
    if (depth >= maxDepth || this.#budget <= 0 || roll < 0.1 + depth * 0.12) return this.#task(depth);
    if (roll < 0.6) return this.#chain(depth, place);
    if (roll < 0.8 && !place.single) return this.#group(depth, place.last ? 1 : 0);
    return this.#chord(depth, place);
  }

  #task(depth: number): TaskNode {
    this.#budget -= 1;
    const kind = this.#kind(depth);
    return {
      type: "task",
      kind,
      label: this.#label("t"),
      side: this.#side(),
      immutable: this.#chance(0.12),
      ...(kind === "replace" && { with: this.#replacement(depth + 1) }),
      ...this.#linked(depth, true),
    };
  }

  #kind(depth: number): Kind {
    if (this.#chance(this.#failures)) return "fail";
    const roll = this.#random();
    if (roll < 0.05) return "retry";
    return roll < 0.12 && depth < maxDepth ? "replace" : "give";
  }

  /** A task, chord or group, or a chain that ends in one task: Celery loses the id of what is replaced by anything else. */
  #replacement(depth: number): Canvas {
    return this.#chance(0.25) ? this.#group(depth, 1) : this.canvas(depth, { single: true });
  }

  #chain(depth: number, place: Place): ChainNode {
    const count = 2 + this.#below(3);
    const steps = Array.from({ length: count }, (_, i) => this.canvas(depth + 1, i === count - 1 ? { ...place, last: true } : {}));
    const chain: ChainNode = { type: "chain", steps, link: [], linkError: [] };
    return { ...chain, ...this.#linked(depth, endsInTask(chain)) };
  }

  #group(depth: number, least = 0): GroupNode {
    return { type: "group", members: this.#members(depth, least), link: [], linkError: this.#linked(depth, false).linkError };
  }

  #chord(depth: number, place: Place): ChordNode {
    const body = this.canvas(depth + 1, { ...place, last: true });
    const chord: ChordNode = { type: "chord", header: this.#members(depth, 0), body, link: [], linkError: [] };
    return { ...chord, ...this.#linked(depth, endsInTask(body)) };
  }

  #members(depth: number, least: number): readonly Canvas[] {
    const count = this.#chance(0.06) ? least : 1 + this.#below(3);
    return Array.from({ length: count }, () => this.canvas(depth + 1, least > 0 ? { last: true } : {}));
  }

  /** A link on what ends in several tasks means something else in each place (celery-wire.md §6.5): none is drawn there. */
  #linked(depth: number, isSingle: boolean): { link: readonly Canvas[]; linkError: readonly Errback[] } {
    const links = isSingle && depth < maxDepth && this.#budget > 0 && this.#chance(this.#links) ? 1 + this.#below(2) : 0;
    const errbacks = this.#chance(this.#links) ? 1 + this.#below(2) : 0;
    return {
      link: Array.from({ length: links }, () => this.canvas(Math.max(depth + 1, 2))),
      linkError: Array.from({ length: errbacks }, () => ({
        label: this.#label("e"),
        side: this.#side(),
        immutable: this.#chance(0.25),
      })),
    };
  }

  #side(): "ts" | "py" {
    return this.#mixed && this.#chance(0.5) ? "py" : "ts";
  }

  #label(prefix: string): string {
    this.#labels += 1;
    return `${prefix}${this.#labels}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }
}

/** Nobody could wait for it: see `Place.last`. */
export function endsInNothing(canvas: Canvas): boolean {
  switch (canvas.type) {
    case "task":
      return false;
    case "chain":
      return endsInNothing(canvas.steps.at(-1) as Canvas);
    case "group":
      return canvas.members.every(endsInNothing);
    case "chord":
      return endsInNothing(canvas.body);
  }
}

/** Whether one task stands for its end. */
export function endsInTask(canvas: Canvas): boolean {
  switch (canvas.type) {
    case "task":
      return true;
    case "chain":
      return canvas.steps.length > 0 && endsInTask(canvas.steps[canvas.steps.length - 1] as Canvas);
    case "group":
      return false;
    case "chord":
      return endsInTask(canvas.body);
  }
}
