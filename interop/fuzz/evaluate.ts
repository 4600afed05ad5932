/**
 * The reference: what a canvas gives, by Celery 5.6's rules, worked out over the tree alone. It sends nothing, has no ids
 * and shares no code with the product. Where Celery itself leaves somebody waiting for ever, the value here is the end that
 * they should see, and the place is marked with the name of a known deviation (`deviations.ts`).
 */
import { brokenBy, type Canvas, type Errback, type Kwargs, kwargsOf, type Side, type TaskNode } from "./canvas.ts";
import type { Deviation } from "./deviations.ts";
import {
  collapsed,
  ended,
  errorsOf,
  type Failure,
  isByCelery,
  isEmpty,
  isForgotten,
  isHidden,
  membersOf,
  resultOf,
  type Tree,
} from "./ends.ts";
import {
  type ChainPlan,
  type ChordPlan,
  chordOf,
  frozen,
  type GroupPlan,
  giveId,
  isEmptyGroup,
  linkErrorTo,
  linkTo,
  type Plan,
  Planner,
  prepared,
  type TaskPlan,
  understamp,
} from "./plan.ts";

/** A run of a task, with all that it was called with but its label. */
export interface Run {
  readonly label: string;
  readonly args: readonly unknown[];
  readonly how: "ran" | "retried" | "replaced";
  readonly stamps: Kwargs;
  /** The label of the task whose given id it has. */
  readonly id: string | null;
}
/** `failed`: the label of the run that failed, "no run" or "no result" for what has none, null where it was not told. */
export interface Call {
  readonly errback: string;
  readonly failed: string | null;
  /** Types that the error may have, where it is told. */
  readonly types?: readonly string[];
}

export interface Expected {
  readonly result: Tree;
  readonly runs: readonly Run[];
  readonly calls: readonly Call[];
  /** Tasks of which nothing is stored. */
  readonly hidden: ReadonlySet<string>;
  /** The order of some lists is nobody's: a member that was added to a chord stands where its creator does. */
  readonly isUnordered: boolean;
  readonly deviations: ReadonlySet<Deviation>;
}

/** Which worker does what, on which depends who may deviate. */
export interface Sides {
  /** Who sends the canvas. */
  readonly sender: Side;
  /** Who serves the tasks of a side. */
  of(side: Side): Side;
}
export const alone = (side: Side): Sides => ({ sender: side, of: () => side });

export function evaluate(canvas: Canvas, sides: Sides): Expected {
  const evaluation = new Evaluation(sides);
  const plan = evaluation.planner.plan(canvas, sides.sender);
  if (sides.sender === "py" && isMap(plan)) evaluation.deviations.add("map-without-options");
  const result = evaluation.apply(plan, canvas.given ?? []);
  const { runs, calls, hidden, isUnordered, deviations } = evaluation;
  if (evaluation.hasFailed) for (const name of evaluation.planner.ofErrbacks) deviations.add(name);
  if (isForgotten(result)) deviations.add("ignored-retry");
  return { result: collapsed(result), runs, calls, hidden, isUnordered, deviations };
}

const noRun = "no run";
const noResult = "no result";

/** The chord that an end reports to. */
interface Chord {
  /** Of its body. */
  readonly errbacks: readonly Errback[];
  readonly added: Tree[];
  /** Celery has called an errback of it for a chord in its header. */
  isToldEarly: boolean;
  /** Its body is an empty group. */
  readonly isBodyEmpty?: boolean;
  /** It is none: a step of a chain, with others behind it. */
  readonly isFollowed?: boolean;
}
const noChord: Chord = { errbacks: [], added: [], isToldEarly: false };

class Evaluation {
  readonly runs: Run[] = [];
  readonly calls: Call[] = [];
  readonly hidden = new Set<string>();
  isUnordered = false;
  hasFailed = false;
  readonly deviations = new Set<Deviation>();
  readonly planner = new Planner(this.deviations);
  readonly #sides: Sides;
  /** Who puts the ids into what is sent, and starts its chords: who sent the canvas, or ran what it is linked to or replaces. */
  #starter: Side;

  constructor(sides: Sides) {
    this.#sides = sides;
    this.#starter = sides.sender;
  }

  apply(plan: Plan, given: readonly unknown[], outer: Chord = noChord): Tree {
    switch (plan.type) {
      case "task":
        return this.#task(plan, given, outer);
      case "chain":
        return this.#chain(plan, given, outer);
      case "group":
        return this.#group(plan, given, outer);
      case "chord":
        return this.#chord(frozen(plan), given, outer);
    }
  }

  #task(plan: TaskPlan, given: readonly unknown[], outer: Chord): Tree {
    const { node, stamps, id } = plan;
    const { kind, label, ignored } = node;
    const args = [...(plan.immutable ? [] : given), ...(node.kwargs === undefined ? [] : [kwargsOf(node)])];
    const note = (how: Run["how"]) => this.runs.push({ label, args, how, stamps, id });
    const byCelery = this.#isByCelery(node);
    if (kind === "replace") return this.#replaced(plan, args, outer);
    if (ignored) this.hidden.add(label);
    const again = kind === "retry" || kind === "exhaust";
    const how = { byCelery, ...(ignored && { hidden: true as const, isForgotten: byCelery && again }) };
    if (kind === "map" || kind === "starmap") this.#items(node);
    else if (node !== accumulating) {
      if (again) note("retried");
      note("ran");
    }
    const broken = brokenBy(node);
    if (broken !== undefined) {
      const error = { types: ["Boom"], from: [broken] };
      this.hasFailed = true;
      this.#deviates("ignored-error", byCelery && ignored === true);
      this.#callErrbacks(plan.errors, node.items === undefined ? label : ignored ? noResult : noRun, error);
      return { error, ...how };
    }
    if (kind === "add") {
      this.isUnordered = true;
      this.#deviates("added-to-chord-with-empty-body", byCelery && outer.isBodyEmpty === true);
      outer.added.push(this.#started(node, (by) => this.#added(this.planner.plan(node.with as Canvas, by), by, outer)));
    }
    const value = node === accumulating ? args[0] : (node.items ?? [...args, label]);
    for (const link of plan.links) this.#started(node, () => this.apply(link, [value]));
    return { value, ...how };
  }

  #added(plan: Plan, by: Side, outer: Chord): Tree {
    this.#deviates("map-without-options", by === "py" && isMap(plan));
    this.#deviates("added-chord-ending-in-chain", by === "py" && plan.type === "chord" && plan.body.type === "chain");
    return this.apply(plan, [], outer);
  }

  /** What Python's workers start lacks the queue of mapped tasks and of `celery.accumulate`: it may go anywhere. */
  #isByCelery(node: TaskNode): boolean {
    const isAnywhere = node.items !== undefined || node === accumulating;
    return this.#sides.of(isAnywhere ? "py" : node.side) === "py";
  }

  #deviates(name: Deviation, does: boolean): void {
    if (does) this.deviations.add(name);
  }

  /** What a run of `node` sends by itself. */
  #started(node: TaskNode, send: (by: Side) => Tree): Tree {
    const before = this.#starter;
    this.#starter = this.#isByCelery(node) ? "py" : "ts";
    const tree = send(this.#starter);
    this.#starter = before;
    return tree;
  }

  /** Calls in place, one after the other until one fails. */
  #items({ items = [], breaks }: TaskNode): void {
    for (const item of breaks ? items.slice(0, 1) : items)
      this.runs.push({ label: item.at(-1) as string, args: item.slice(0, -1), how: "ran", stamps: {}, id: null });
  }

  /** The replacement has its links, and its place: a group's values become one list. */
  #replaced(plan: TaskPlan, args: readonly unknown[], outer: Chord): Tree {
    const { node, stamps, id } = plan;
    this.runs.push({ label: node.label, args, how: "replaced", stamps, id });
    return this.#started(node, (by) => {
      const replacement = this.planner.plan(node.with as Canvas, by);
      this.#deviates("map-without-options", by === "py" && isMap(replacement));
      this.#deviates("stamps-of-replacement", by === "py" && Object.keys(stamps).length > 0);
      understamp(replacement, stamps);
      const end = replacement.type === "group" ? chordOf(replacement, accumulate()) : replacement;
      this.#deviates("replaced-by-empty-group", by === "py" && end !== replacement && end.type === "chord" && end.header.length === 0);
      this.#deviates("replaced-by-chord-inside-chord", by === "py" && end.type === "chord");
      for (const link of plan.links) linkTo(end, link);
      const isLinked = end.type === "chain" && end.links.length > 0;
      this.#deviates("links-of-replacing-chain", by === "py" && isLinked && outer.isFollowed !== true);
      for (const errback of plan.errors) linkErrorTo(end, errback);
      giveId(end, id);
      return this.apply(end, [], outer);
    });
  }

  #chain(plan: ChainPlan, given: readonly unknown[], outer: Chord): Tree {
    const isLinked = plan.links.length > 0 && prepared({ ...plan, links: [] }).at(-1)?.type === "chord";
    this.#deviates("link-of-chain-ending-in-chord", this.#starter === "py" && isLinked);
    return this.#steps(prepared(plan), given, outer);
  }

  #steps([step, ...later]: readonly Plan[], given: readonly unknown[], outer: Chord): Tree {
    if (step === undefined) throw new Error("the generator draws no empty chain");
    if (later.length === 0) return this.apply(step, given, outer);
    const end = this.apply(step, given, { ...noChord, isFollowed: true });
    if ("value" in end) return this.#steps(later, [end.value], outer);
    if ("group" in end) throw new Error("a group with a step after it is a chord");
    this.#deviates("chord-error-before-later-step", isByCelery(end) && end.error.types.includes("ChordError"));
    this.#deviates("chain-error-before-composition", isByCelery(end) && later.some(({ type }) => type !== "task"));
    return ended(later.at(-1) as Plan, end, end.error);
  }

  #group({ members }: GroupPlan, given: readonly unknown[], outer: Chord): Tree {
    return {
      group: members.flatMap((member) =>
        member.type === "group" ? membersOf(this.#group(member, given, outer)) : [this.apply(member, given, outer)],
      ),
    };
  }

  #chord({ header, body }: ChordPlan, given: readonly unknown[], outer: Chord): Tree {
    if (header.length === 0) return this.apply(body, [[]], outer);
    const own = () => ({ errbacks: errbacksOf(body), added: [] as Tree[], isToldEarly: false, isBodyEmpty: isEmptyGroup(body) });
    const reports = header.map(own);
    const parts = header.flatMap((member, i) => [this.apply(member, given, reports[i]), ...(reports[i]?.added ?? [])]);
    const isComplex = parts.some((part) => "group" in part);
    // Whoever reports last sees to the body.
    const byCelery = parts.some(isByCelery);
    this.#deviates("member-ends-in-nothing", this.#starter === "py" && parts.some(isEmpty));
    this.#deviates("group-and-chord-inside-chord", (byCelery || this.#starter === "py") && isComplex && header.some(endsInChord));
    this.#deviates("size-of-inner-group", header.length > 1 && header.some((member) => this.#startsGroupByCelery(member)));
    this.#deviates("chord-in-group-inside-chord", byCelery && header.some(endsInGroupOfChord));
    // Lovage puts a task in the place of an empty group.
    const holdsGroup = parts.some((part) => "group" in part && (this.#starter === "py" || !isEmpty(part)));
    this.#deviates("ignored-beside-group", byCelery && holdsGroup && parts.some(isHidden));
    const errors = parts.flatMap(errorsOf);
    if (errors.length === 0) return this.apply(body, [parts.map(resultOf)], outer);
    const hasInner = errors.some(({ types }) => types.includes("ChordError"));
    this.#deviates("chord-error-inside-chord", byCelery && hasInner);
    this.#deviates("failing-group-inside-chord", byCelery && holdsGroup);
    const isEarly = reports.some(({ isToldEarly }) => isToldEarly);
    const failing = parts.filter((part) => errorsOf(part).length > 0);
    this.#deviates("errback-of-inner-chord", isEarly && (failing.length > 1 || isEmpty(ended(body, {}, ...errors))));
    return this.#bodyFailed(body, isComplex ? errors : errors.slice(0, 1), outer, byCelery);
  }

  /** A chain whose last step is a group that a run of Celery's sends; also that of a chord's body. */
  #startsGroupByCelery(member: Plan): boolean {
    const [before, end] = member.type === "chain" ? prepared(member).slice(-2) : [];
    const last = member.type === "chain" ? (end ?? before) : member;
    if (last?.type === "chord") return this.#startsGroupByCelery(last.body);
    return end?.type === "group" && before?.type === "task" && this.#isByCelery(before.node);
  }

  /** What is linked to the body as a whole, or to what would have run first, hears of it; once, if the chord around it will call it too. */
  #bodyFailed(body: Plan, causes: readonly Failure[], outer: Chord, byCelery: boolean): Tree {
    const error: Failure = { types: ["ChordError"], from: [...new Set(causes.flatMap(({ from }) => from))] };
    const errbacks = errbacksOf(body);
    const direct = body.type === "task" || body.type === "chain" ? body.errors.length : 0;
    this.#deviates("chord-error", byCelery);
    this.#deviates("chord-error-of-group-body", byCelery && body.type === "group");
    this.#deviates("errback-of-first-step", byCelery && errbacks.length > direct);
    const ends = body.type === "group" ? body.members : [body];
    this.#deviates("chord-error-of-composed-body", byCelery && ends.some(({ type }) => type !== "task"));
    // The members of a group end with the error itself (celery-wire.md §7.4).
    const told = body.type === "group" && body.members.length > 0 ? causes : [error];
    const tree = ended(body, { byCelery }, ...told);
    if (byCelery && errbacks.some((errback) => outer.errbacks.includes(errback))) outer.isToldEarly = true;
    const news = errbacks.filter((errback) => !outer.errbacks.includes(errback));
    // Where a chord waits for an end in nothing, it has a task after all.
    this.#callErrbacks(news, isEmpty(tree) && outer === noChord ? noResult : noRun, error);
    return tree;
  }

  #callErrbacks(errbacks: readonly Errback[], failed: string, { types }: Failure): void {
    for (const { label, immutable, hearsAll } of errbacks)
      this.calls.push({ errback: label, failed: immutable ? null : failed, ...(hearsAll && { types }) });
  }
}

/** The end that Celery gives to a group that replaces a task: the list of its results is its value. */
const accumulating: TaskNode = { type: "task", kind: "give", label: "", side: "ts", immutable: false, link: [], linkError: [] };
const accumulate = (): TaskPlan => ({
  type: "task",
  node: accumulating,
  immutable: false,
  stamps: {},
  id: null,
  links: [],
  errors: [],
});

const isMap = (plan: Plan): boolean => plan.type === "task" && plan.node.items !== undefined;

/** Who hears that a chord's body will not run: what was linked to it, to what would have run first, or to all of a group. */
function errbacksOf(body: Plan | undefined): readonly Errback[] {
  switch (body?.type) {
    case "task":
      return body.errors;
    case "chain":
      return [...new Set([...body.errors, ...errbacksOf(prepared(body)[0])])];
    case "chord":
      return errbacksOf(body.body);
    case "group": {
      const [first = [], ...others] = body.members.map(errbacksOf);
      return first.filter((errback) => others.every((all) => all.includes(errback)));
    }
    default:
      return [];
  }
}

function endsInChord(plan: Plan): boolean {
  return plan.type === "chord" || (plan.type === "chain" && prepared(plan).at(-1)?.type === "chord");
}

/** A chain that ends in a group of which a member is a chord. */
function endsInGroupOfChord(plan: Plan): boolean {
  const end = plan.type === "chain" ? prepared(plan).at(-1) : plan;
  return end?.type === "group" && end.members.some(endsInChord);
}
