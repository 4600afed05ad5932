/**
 * How Celery 5.6 puts a canvas together before it runs: what `a | b` makes of chains, groups and chords, and where links on
 * a composition end up (celery-wire.md §6.4, §6.5). Written from Celery's behaviour, not from Lovage's code, so that the two
 * can disagree.
 */
import type { Canvas, ChunksNode, Errback, Kwargs, Side, TaskNode } from "./canvas.ts";
import type { Deviation } from "./deviations.ts";

export interface TaskPlan {
  readonly type: "task";
  readonly node: TaskNode;
  immutable: boolean;
  stamps: Kwargs;
  /** The label of the task whose given id it has. */
  id: string | null;
  links: Plan[];
  errors: Errback[];
}
export interface ChainPlan {
  readonly type: "chain";
  steps: Plan[];
  links: Plan[];
  errors: Errback[];
}
export interface GroupPlan {
  readonly type: "group";
  members: Plan[];
}
export interface ChordPlan {
  readonly type: "chord";
  header: Plan[];
  body: Plan;
  /** Of two groups in a row, the second of which is its body; or begins it, once something follows. */
  isOfGroups?: boolean;
}
export type Plan = TaskPlan | ChainPlan | GroupPlan | ChordPlan;

export const chainOf = (steps: Plan[]): ChainPlan => ({ type: "chain", steps, links: [], errors: [] });
export const chordOf = (group: GroupPlan, body: Plan): ChordPlan => ({ type: "chord", header: group.members, body });

/** Puts canvases together, and notes where Celery does it otherwise. */
export class Planner {
  readonly #deviations: Set<Deviation>;
  /** Those of errbacks: nobody sees them unless something fails. */
  readonly ofErrbacks = new Set<Deviation>();
  /** Who writes the signatures. */
  #by: Side = "ts";

  constructor(deviations: Set<Deviation>) {
    this.#deviations = deviations;
  }

  plan(canvas: Canvas, by: Side): Plan {
    this.#by = by;
    const plan = this.#plan(canvas);
    // Whoever sends a part of it later refuses it too, so it does not matter who wrote it.
    if (holdsEmptyBody(plan)) this.#deviations.add("empty-body");
    return plan;
  }

  #deviates(name: Deviation, does = true, into = this.#deviations): void {
    if (does && this.#by === "py") into.add(name);
  }

  #plan(canvas: Canvas): Plan {
    const plan = this.#composed(canvas);
    for (const link of canvas.link) linkTo(plan, this.#plan(link));
    for (const errback of canvas.linkError) linkErrorTo(plan, errback);
    if (canvas.stamps !== undefined) this.#stamp(plan, canvas.stamps);
    if (canvas.type === "chain" && hasGroupsInARow(canvas.steps)) {
      this.#deviates("groups-in-a-row");
      // Python links to both groups; had something followed the second, the first were a header already.
      this.#deviates("links-of-joined-chain", canvas.linkError.length > 0, this.ofErrbacks);
    }
    const isJoined = canvas.type === "chain" || canvas.type === "chord";
    this.#deviates("errback-inside-header", isJoined && canvas.linkError.length > 0 && hasChordInHeader(plan), this.ofErrbacks);
    this.#deviates("errback-of-header-chord", canvas.linkError.length > 0 && hasChordInHeader(plan, true), this.ofErrbacks);
    return plan;
  }

  #stamp(plan: Plan, stamps: Kwargs): void {
    if (holdsChord(plan)) this.#deviates("stamps-of-chord-body");
    stamp(plan, stamps);
  }

  #composed(canvas: Canvas): Plan {
    const plans = (canvases: readonly Canvas[]) => canvases.map((each) => this.#plan(each));
    switch (canvas.type) {
      case "task":
        return taskOf(canvas);
      case "chain":
        return plans(canvas.steps).reduce<Plan>((left, right) => this.joined(left, right), chainOf([]));
      case "group": {
        const members = plans(canvas.members);
        if (canvas.immutable) for (const member of members) if (member.type === "task") member.immutable = true;
        return { type: "group", members };
      }
      case "chunks":
        return { type: "group", members: chunked(canvas).map(taskOf) };
      case "chord": {
        const body = this.#plan(canvas.body);
        this.#deviates("chain-with-chord-for-body", isChainWithChord(body));
        return { type: "chord", header: plans(canvas.header), body };
      }
    }
  }

  /** `left | right` */
  joined(left: Plan, given: Plan): Plan {
    const right = this.#unrolled(given, left);
    switch (left.type) {
      case "task":
        return chainOf([left, ...(right.type === "chain" ? this.#unchained(right) : [right])]);
      case "chain":
        return this.#afterChain(left, right);
      case "group":
        this.#deviates("chain-with-chord-for-body", isChainWithChord(right));
        return chordOf(left, right);
      case "chord":
        if (right.type === "chain") {
          if (endsInGroup(left.body)) this.#deviates("group-body-then-step");
          return this.#behindChord(left, right);
        }
        this.#deviates("step-after-group-body", endsInGroup(left.body) && right.type === "group");
        return endsInGroup(left.body) ? this.#afterGroupBody(left, right) : { ...left, body: this.joined(left.body, right) };
    }
  }

  #afterChain(left: ChainPlan, right: Plan): Plan {
    if (right.type === "chain") return left.steps.at(-1)?.type === "chord" ? this.#behindChord(left, right) : this.#eachOf(left, right);
    const isOpen = left.steps.at(-1)?.type !== "task";
    this.#deviates("links-of-joined-chain", isOpen && left.links.length > 0);
    this.#deviates("links-of-joined-chain", isOpen && left.errors.length > 0, this.ofErrbacks);
    const steps = this.#unchained(left);
    const last = steps.at(-1);
    if (last === undefined && right.type === "group") return right;
    const before = steps.slice(0, -1);
    if (last?.type === "chord" && endsInGroup(last.body)) return chainOf([...before, this.#afterGroupBody(last, right)]);
    if (last?.type === "chord") return chainOf([...before, { ...last, body: this.joined(last.body, right) }]);
    if (last?.type !== "group") return chainOf([...steps, right]);
    const chord = { ...chordOf(last, right), isOfGroups: right.type === "group" };
    const previous = before.at(-1);
    // Two chords in a row: the second becomes part of the first one's body.
    if (previous?.type !== "chord") return chainOf([...before, chord]);
    return chainOf([...before.slice(0, -1), { ...previous, body: this.joined(previous.body, chord) }]);
  }

  #eachOf(left: Plan, right: ChainPlan): Plan {
    return this.#unchained(right).reduce<Plan>((all, step) => this.joined(all, step), left);
  }

  /** To Celery two groups in a row are two steps until the chain starts: the first joins the chord's body, without what follows it. */
  #behindChord(left: Plan, right: ChainPlan): Plan {
    const isCut = (step: Plan) => step.type === "chord" && step.isOfGroups === true && step.body.type !== "group";
    this.#deviates("group-body-then-step", right.steps.some(isCut));
    return this.#eachOf(left, right);
  }

  /** The steps, with what was linked to the chain as a whole. */
  #unchained(chain: ChainPlan): Plan[] {
    this.#deviates("links-of-inner-chain", chain.links.length > 0);
    const isComposed = chain.steps.some(({ type }) => type !== "task");
    this.#deviates("links-of-inner-chain", isComposed && chain.errors.length > 0, this.ofErrbacks);
    const last = chain.steps.at(-1);
    if (last !== undefined) for (const link of chain.links) linkTo(last, link);
    for (const errback of chain.errors) for (const step of chain.steps) linkErrorTo(step, errback);
    return chain.steps;
  }

  /** What follows gets the list, as it does everywhere else. */
  #afterGroupBody(left: ChordPlan, right: Plan): ChordPlan {
    this.#deviates(right.type === "chord" ? "group-body-then-step" : "groups-in-a-row");
    return { ...left, body: this.joined(left.body, right) };
  }

  /** Celery keeps a group of one a group right behind a group that begins a chain, where it holds another group of one, or empty ones beside it. */
  #unrolled(plan: Plan, left: Plan): Plan {
    const step = unrolled(plan);
    const once = plan.type === "group" && plan.members[0];
    // 5.2 makes it a chain in the chain: what is linked to it is left out when that starts.
    this.#deviates("links-of-inner-chain", step !== plan && step.type === "chain" && step.errors.length > 0, this.ofErrbacks);
    const isLikeOne = plan.type === "group" && plan.members.length > 1 && flattened(plan.members).length === 1;
    if (isLikeOne || (step !== plan && (left.type === "group" || step !== once))) this.#deviates("group-of-one");
    return step;
  }
}

function taskOf(node: TaskNode): TaskPlan {
  // Mapped tasks have their arguments already.
  const immutable = node.immutable || node.items !== undefined;
  return { type: "task", node, immutable, stamps: {}, id: node.hasId ? node.label : null, links: [], errors: [] };
}

/** All its tasks and their links; the last stamp of a name stays. */
function stamp(plan: Plan, stamps: Kwargs): void {
  if (plan.type === "task" || plan.type === "chain") for (const link of plan.links) stamp(link, stamps);
  if (plan.type === "task") plan.stamps = { ...plan.stamps, ...stamps };
  else for (const part of partsOf(plan)) stamp(part, stamps);
}

/** What a replacement takes over, below stamps of its own: all its tasks, but no links. */
export function understamp(plan: Plan, stamps: Kwargs): void {
  if (plan.type === "task") plan.stamps = { ...stamps, ...plan.stamps };
  else for (const part of partsOf(plan)) understamp(part, stamps);
}

function partsOf(plan: ChainPlan | GroupPlan | ChordPlan): readonly Plan[] {
  if (plan.type === "chord") return [...plan.header, plan.body];
  return plan.type === "chain" ? plan.steps : plan.members;
}

export const isEmptyGroup = (plan: Plan): boolean => plan.type === "group" && flattened(plan.members).length === 0;

const isChainWithChord = (plan: Plan): boolean => plan.type === "chain" && plan.steps.some(holdsChord);

/** A chord whose body is an empty group, inside of anything. */
function holdsEmptyBody(plan: Plan): boolean {
  const links = plan.type === "task" || plan.type === "chain" ? plan.links : [];
  const parts = [...links, ...(plan.type === "task" ? [] : partsOf(plan))];
  return parts.some((part) => (part.type === "chord" && isEmptyGroup(part.body)) || holdsEmptyBody(part));
}

const holdsChord = (plan: Plan): boolean =>
  plan.type === "chord" ||
  (plan.type !== "task" && partsOf(plan).some(holdsChord)) ||
  ((plan.type === "task" || plan.type === "chain") && plan.links.some(holdsChord));

function chunked({ items, size, side }: ChunksNode): TaskNode[] {
  const shared = { type: "task", kind: "starmap", label: "", side, immutable: true, link: [], linkError: [] } as const;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => ({ ...shared, items: items.slice(i * size, (i + 1) * size) }));
}

/** What replaces a task ends under that one's id. */
export function giveId(plan: Plan, id: string | null): void {
  if (plan.type === "task") plan.id ??= id;
  else if (plan.type === "chain") giveId(plan.steps.at(-1) as Plan, id);
  else if (plan.type === "chord") giveId(plan.body, id);
}

/** A group of one, as a step of a chain, is its member. */
function unrolled(plan: Plan): Plan {
  const [only, second] = plan.type === "group" ? plan.members : [];
  return only !== undefined && second === undefined ? unrolled(only) : plan;
}

export function linkTo(plan: Plan, link: Plan): void {
  if (plan.type === "task" || plan.type === "chain") plan.links = [...new Set([...plan.links, link])];
  else if (plan.type === "chord") linkTo(plan.body, link);
  else throw new Error("the generator draws no link on a group");
}

/** Of a chord: to its body, and to the chords in its header. */
export function linkErrorTo(plan: Plan, errback: Errback): void {
  switch (plan.type) {
    case "task":
    case "chain":
      if (!plan.errors.includes(errback)) plan.errors.push(errback);
      break;
    case "group":
      for (const member of plan.members) linkErrorTo(member, errback);
      break;
    case "chord":
      for (const member of flattened(plan.header)) if (isChord(member)) linkErrorTo(member, errback);
      linkErrorTo(plan.body, errback);
  }
}

/** What a chain does when it starts (`prepare_steps`): its steps in order, one after the other. */
export function prepared(chain: ChainPlan): Plan[] {
  const waiting = [...chain.steps];
  const steps: Plan[] = [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const after = steps[0];
    if (next.type === "chain") {
      waiting.push(...next.steps);
      continue;
    }
    if (next.type === "group" && after !== undefined) steps[0] = frozen(chordOf(next, after));
    else steps.unshift(frozen(next));
    for (const errback of chain.errors) linkErrorTo(steps[0] as Plan, errback);
  }
  const last = steps.at(-1);
  if (last !== undefined) for (const link of chain.links) linkTo(last, link);
  return steps;
}

const hasGroupsInARow = (steps: readonly Canvas[]): boolean =>
  steps.some(({ type }, i) => type === "group" && steps[i + 1]?.type === "group");

/** Also a chain that begins with a chord: all that follows is part of it. */
const isChord = (plan: Plan): boolean => plan.type === "chord" || (plan.type === "chain" && plan.steps[0]?.type === "chord");

function hasChordInHeader(plan: Plan, evenInGroups = false): boolean {
  const isInside = (part: Plan) => hasChordInHeader(part, evenInGroups);
  if (plan.type === "chord") return flattened(plan.header).some(isChord) || isInside(plan.body);
  if (plan.type === "group") return evenInGroups && plan.members.some(isInside);
  return plan.type === "chain" && plan.steps.some(isInside);
}

function endsInGroup(plan: Plan): boolean {
  if (plan.type === "chord") return endsInGroup(plan.body);
  return plan.type === "group" || (plan.type === "chain" && endsInGroup(plan.steps.at(-1) as Plan));
}

/** Groups in groups are flattened once ids are given: the inner members come out in reverse (celery-wire.md §14.2 no. 8). */
export function frozen<P extends Plan>(plan: P): P {
  if (plan.type === "group") plan.members = flattened(plan.members);
  if (plan.type === "chord") {
    plan.header = flattened(plan.header);
    frozen(plan.body);
  }
  return plan;
}

const flattened = (members: readonly Plan[]): Plan[] =>
  members.flatMap((member) => (member.type === "group" ? flattened([...member.members].reverse()) : [member]));
