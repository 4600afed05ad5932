/** Draws canvases from a seed: every shape that users compose, four deep, with failures and links at any level. */
import type { Canvas, ChainNode, ChordNode, ChunksNode, Errback, GroupNode, Item, Kind, Kwargs, Side, TaskNode } from "./canvas.ts";

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
  return new Draw(randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))).whole();
}

/** Where a canvas stands decides what it may be: see `Draw.canvas`. */
interface Place {
  /** It must end in one task: the value goes on, or nobody could wait for more. */
  readonly single?: boolean;
  /** It must not be an empty group. */
  readonly last?: boolean;
  /** Its end is a member of a chord whose members all end in one task, and may add others to it. */
  readonly part?: boolean;
  /** It ends under the id of what it replaces, and needs none of its own. */
  readonly named?: boolean;
}

class Draw {
  readonly #random: () => number;
  readonly #failures: number;
  readonly #links: number;
  readonly #mixed: boolean;
  /** How often a task or composition is something else than usual: most canvases have a little of it, or none. */
  readonly #stamps: number;
  readonly #marks: number;
  readonly #kinds: number;
  #labels = 0;
  #budget: number;

  constructor(random: () => number) {
    this.#random = random;
    this.#budget = 4 + Math.floor(random() * 20);
    // Many without any failure: else few canvases would ever be run to their end.
    this.#failures = random() < 0.5 ? 0 : random() * 0.25;
    this.#links = random() < 0.4 ? 0 : 0.15;
    this.#mixed = random() < 0.8;
    this.#stamps = random() < 0.75 ? 0 : 0.2;
    this.#marks = random() < 0.5 ? 0 : 0.1;
    this.#kinds = random() < 0.4 ? 0 : 0.12;
  }

  whole(): Canvas {
    const canvas = this.canvas(0);
    return this.#chance(0.15) ? { ...canvas, given: Array.from({ length: 1 }, () => this.#label("g")) } : canvas;
  }

  canvas(depth: number, place: Place = {}): Canvas {
    const roll = this.#random();
    if (depth >= maxDepth || this.#budget <= 0 || roll < 0.1 + depth * 0.12) return this.#leaf(depth, place);
    if (roll < 0.6) return this.#chain(depth, place);
    if (roll < 0.8 && !place.single) return this.#group(depth, place.last ? 1 : 0);
    return this.#chord(depth, place);
  }

  #leaf(depth: number, place: Place): Canvas {
    if (!place.single && this.#chance(this.#kinds / 3)) return this.#chunks(place.last ? 1 : 0);
    return this.#task(depth, place);
  }

  #task(depth: number, place: Place): TaskNode {
    this.#budget -= 1;
    const kind = this.#kind(depth, place);
    const isMapped = kind === "map" || kind === "starmap";
    const items = isMapped ? this.#items(this.#below(3), kind === "map" ? 0 : 2) : [];
    const hasWith = kind === "replace" || kind === "add";
    return {
      type: "task",
      kind,
      label: this.#label("t"),
      side: this.#side(),
      immutable: !isMapped && this.#chance(0.12),
      ...(hasWith && { with: kind === "add" ? this.#added(depth + 1) : this.#replacement(depth + 1, place) }),
      ...(kind === "named" && { kwargs: { own: this.#kwargs(), over: this.#kwargs() } }),
      ...(isMapped && { items, ...(items.length > 0 && this.#chance(this.#failures) && { breaks: true }) }),
      // Whoever is replaced leaves all that to others.
      ...(kind !== "replace" && this.#chance(this.#marks) && { ignored: true }),
      ...(!place.named && this.#chance(this.#marks) && { hasId: true }),
      ...this.#linked(depth, true),
    };
  }

  #kind(depth: number, { part }: Place): Kind {
    if (this.#chance(this.#failures)) return this.#chance(0.2) ? "exhaust" : "fail";
    const roll = this.#random();
    if (roll < 0.05) return "retry";
    if (roll < 0.12 && depth < maxDepth) return "replace";
    if (part && depth < maxDepth && this.#chance(this.#kinds * 2)) return "add";
    if (!this.#chance(this.#kinds)) return "give";
    return (["map", "starmap", "named", "named"] as const)[this.#below(4)] as Kind;
  }

  /** A task, chord or group, or a chain that ends in one task: Celery loses the id of what is replaced by anything else. */
  #replacement(depth: number, { part = false }: Place): Canvas {
    return this.#chance(0.25) ? this.#group(depth, 1, true) : this.canvas(depth, { single: true, named: true, part });
  }

  /** Celery counts one member more, whatever is added. */
  #added(depth: number): Canvas {
    return this.canvas(depth, { single: true, part: true });
  }

  #chain(depth: number, place: Place): ChainNode {
    const count = 2 + this.#below(3);
    const steps = Array.from({ length: count }, (_, i) => this.canvas(depth + 1, i === count - 1 ? place : {}));
    const chain: ChainNode = { type: "chain", steps, link: [], linkError: [] };
    return this.#withLinks(chain, depth);
  }

  #group(depth: number, least = 0, named = false): GroupNode {
    const members = this.#members(depth, least, named ? { named } : {});
    const areTasks = members.length > 0 && members.every(({ type }) => type === "task");
    const group: GroupNode = { type: "group", members, link: [], linkError: [] };
    return this.#withLinks(areTasks && this.#chance(this.#marks) ? { ...group, immutable: true } : group, depth);
  }

  #chunks(least: number): ChunksNode {
    this.#budget -= 1;
    const items = this.#items(least + this.#below(4), 2);
    return { type: "chunks", side: this.#side(), items, size: 1 + this.#below(3), link: [], linkError: [], ...this.#stamped() };
  }

  #chord(depth: number, place: Place): ChordNode {
    const body = this.canvas(depth + 1, place);
    const inside: Place = this.#chance(this.#kinds * 3) ? { single: true, part: true } : {};
    const chord: ChordNode = { type: "chord", header: this.#members(depth, 0, inside), body, link: [], linkError: [] };
    return this.#withLinks(chord, depth);
  }

  #members(depth: number, least: number, place: Place): readonly Canvas[] {
    const count = this.#chance(0.06) ? least : 1 + this.#below(3);
    return Array.from({ length: count }, () => this.canvas(depth + 1, least > 0 ? { ...place, last: true } : place));
  }

  /** Nobody would call the errbacks of an empty group. */
  #withLinks<C extends Canvas>(canvas: C, depth: number): C {
    const linked = this.#linked(depth, endsInTask(canvas));
    return { ...canvas, ...linked, linkError: endsInNothing(canvas) ? [] : linked.linkError };
  }

  /** A link on what ends in several tasks means something else in each place (celery-wire.md §6.5): none is drawn there. */
  #linked(depth: number, isSingle: boolean): Pick<TaskNode, "link" | "linkError" | "stamps"> {
    const links = isSingle && depth < maxDepth && this.#budget > 0 && this.#chance(this.#links) ? 1 + this.#below(2) : 0;
    const errbacks = this.#chance(this.#links) ? 1 + this.#below(2) : 0;
    return {
      link: Array.from({ length: links }, () => this.canvas(Math.max(depth + 1, 2))),
      linkError: Array.from({ length: errbacks }, () => this.#errback()),
      ...this.#stamped(),
    };
  }

  #errback(): Errback {
    const hearsAll = this.#chance(0.3);
    return { label: this.#label("e"), side: this.#side(), immutable: !hearsAll && this.#chance(0.25), ...(hearsAll && { hearsAll }) };
  }

  /** One of few names, so that stamps meet. */
  #stamped(): { stamps?: Kwargs } {
    return this.#chance(this.#stamps) ? { stamps: { [`stamp_${"ab"[this.#below(2)]}`]: this.#label("s") } } : {};
  }

  #kwargs(): Kwargs {
    return Object.fromEntries(["a", "b", "c"].filter(() => this.#chance(0.4)).map((name) => [name, this.#label("k")]));
  }

  #items(count: number, most: number): readonly Item[] {
    const given = () => Array.from({ length: this.#below(most) }, () => this.#label("i"));
    return Array.from({ length: count }, () => [...given(), this.#label("m")]);
  }

  #side(): Side {
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

/** It has no task that could say that it ended. */
export function endsInNothing(canvas: Canvas): boolean {
  switch (canvas.type) {
    case "task":
      return false;
    case "chain":
      return endsInNothing(canvas.steps.at(-1) as Canvas);
    case "group":
      return canvas.members.every(endsInNothing);
    case "chunks":
      return canvas.items.length === 0;
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
    case "chunks":
      return false;
    case "chord":
      return endsInTask(canvas.body);
  }
}
