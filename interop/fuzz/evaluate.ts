/**
 * The reference: what a canvas gives, by Celery 5.6's rules, worked out over the tree alone. It sends nothing, has no ids
 * and shares no code with the product. Where Celery itself leaves somebody waiting for ever, the value here is the end that
 * they should see, and the place is marked with the name of a known deviation (`deviations.ts`).
 */
import type { Canvas, Errback, Kwargs, TaskNode } from "./canvas.ts";
import type { Deviation } from "./deviations.ts";
import {
  type ChainPlan,
  type ChordPlan,
  chordOf,
  frozen,
  type GroupPlan,
  giveId,
  linkErrorTo,
  linkTo,
  type Plan,
  Planner,
  prepared,
  type TaskPlan,
  understamp,
} from "./plan.ts";

/** More than one type, and label of a task whose own error it is, where Celery leaves open which part of a chord speaks. */
export interface Failure {
  readonly types: readonly string[];
  readonly from: readonly string[];
}
/** `hidden`: nothing is stored of it. */
export type End = ({ readonly value: unknown } | { readonly error: Failure }) & { readonly hidden?: true };
/** One task, or the members of a group. */
export type Tree = End | Group;
interface Group {
  readonly group: readonly Tree[];
  /** Why it never came to a group without members, which has no end of its own to say so. */
  readonly failed?: Failure;
}

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

export function evaluate(canvas: Canvas): Expected {
  const evaluation = new Evaluation();
  const result = evaluation.apply(evaluation.planner.plan(canvas), canvas.given ?? []);
  const { runs, calls, hidden, isUnordered, deviations } = evaluation;
  return { result: collapsed(result), runs, calls, hidden, isUnordered, deviations };
}

/** A group of one chain that ends in a group is that group, for its caller. */
export function collapsed(tree: Tree): Tree {
  if (!("group" in tree)) return tree;
  const [only, second] = tree.group;
  return only !== undefined && "group" in only && second === undefined ? collapsed(only) : { group: tree.group.map(collapsed) };
}

const noRun = "no run";
const noResult = "no result";

/** The chord that an end reports to. */
interface Chord {
  /** Of its body. */
  readonly errbacks: readonly Errback[];
  readonly added: Tree[];
}
const noChord: Chord = { errbacks: [], added: [] };

class Evaluation {
  readonly runs: Run[] = [];
  readonly calls: Call[] = [];
  readonly hidden = new Set<string>();
  isUnordered = false;
  readonly deviations = new Set<Deviation>();
  readonly planner = new Planner(this.deviations);

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
    if (kind === "replace") return this.#replaced(plan, args, outer);
    if (ignored) this.hidden.add(label);
    if (ignored && (kind === "retry" || kind === "exhaust")) this.deviations.add("ignored-retry");
    const hidden = ignored ? { hidden: true as const } : {};
    if (kind === "map" || kind === "starmap") this.#items(node);
    else if (node !== accumulating) {
      if (kind === "retry" || kind === "exhaust") note("retried");
      note("ran");
    }
    const broken = brokenBy(node);
    if (broken !== undefined) {
      const error = { types: ["Boom"], from: [broken] };
      this.#callErrbacks(plan.errors, node.items === undefined ? label : ignored ? noResult : noRun, error);
      return { error, ...hidden };
    }
    if (kind === "add") {
      this.isUnordered = true;
      outer.added.push(this.apply(this.planner.plan(node.with as Canvas), [], outer));
    }
    const value = node === accumulating ? args[0] : (node.items ?? [...args, label]);
    for (const link of plan.links) this.apply(link, [value]);
    return { value, ...hidden };
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
    const replacement = this.planner.plan(node.with as Canvas);
    if (Object.keys(stamps).length > 0) this.deviations.add("stamps-of-replacement");
    understamp(replacement, stamps);
    if (replacement.type === "group" && replacement.members.length === 0) this.deviations.add("replaced-by-empty-group");
    const end = replacement.type === "group" ? chordOf(replacement, accumulate()) : replacement;
    if (end.type === "chord") this.deviations.add("replaced-by-chord-inside-chord");
    for (const link of plan.links) linkTo(end, link);
    for (const errback of plan.errors) linkErrorTo(end, errback);
    giveId(end, id);
    return this.apply(end, [], outer);
  }

  #chain(plan: ChainPlan, given: readonly unknown[], outer: Chord): Tree {
    if (plan.links.length > 0 && prepared({ ...plan, links: [] }).at(-1)?.type === "chord")
      this.deviations.add("link-of-chain-ending-in-chord");
    return this.#steps(prepared(plan), given, outer);
  }

  #steps([step, ...later]: readonly Plan[], given: readonly unknown[], outer: Chord): Tree {
    if (step === undefined) throw new Error("the generator draws no empty chain");
    if (later.length === 0) return this.apply(step, given, outer);
    const end = this.apply(step, given);
    if ("value" in end) return this.#steps(later, [end.value], outer);
    if ("group" in end) throw new Error("a group with a step after it is a chord");
    if (end.error.types.includes("ChordError")) this.deviations.add("chord-error-before-later-step");
    if (later.some(({ type }) => type !== "task")) this.deviations.add("chain-error-before-composition");
    return ended(later.at(-1) as Plan, end.hidden, end.error);
  }

  #group({ members }: GroupPlan, given: readonly unknown[], outer: Chord): Tree {
    return {
      group: members.flatMap((member) =>
        member.type === "group" ? groupOf(this.#group(member, given, outer)) : [this.apply(member, given, outer)],
      ),
    };
  }

  #chord({ header, body }: ChordPlan, given: readonly unknown[], outer: Chord): Tree {
    if (header.length === 0) return this.apply(body, [[]], outer);
    const parts = header.flatMap((member) => {
      const chord: Chord = { errbacks: errbacksOf(body), added: [] };
      return [this.apply(member, given, chord), ...chord.added];
    });
    const isComplex = parts.some((part) => "group" in part);
    if (parts.some(isEmpty)) this.deviations.add("member-ends-in-nothing");
    if (isComplex && header.some(endsInChord)) this.deviations.add("group-and-chord-inside-chord");
    const errors = parts.flatMap(errorsOf);
    if (errors.length === 0) return this.apply(body, [parts.map(resultOf)], outer);
    if (errors.some(({ types }) => types.includes("ChordError"))) this.deviations.add("chord-error-inside-chord");
    if (isComplex) this.deviations.add("failing-group-inside-chord");
    return this.#bodyFailed(body, isComplex ? errors : errors.slice(0, 1), outer);
  }

  /** What is linked to the body as a whole, or to what would have run first, hears of it; once, if the chord around it will call it too. */
  #bodyFailed(body: Plan, causes: readonly Failure[], outer: Chord): Tree {
    this.deviations.add("chord-error");
    if (body.type === "group") this.deviations.add("chord-error-of-group-body");
    const error: Failure = { types: ["ChordError"], from: [...new Set(causes.flatMap(({ from }) => from))] };
    const errbacks = errbacksOf(body);
    if (errbacks.length > (body.type === "task" || body.type === "chain" ? body.errors.length : 0))
      this.deviations.add("errback-of-first-step");
    this.#callErrbacks(
      errbacks.filter((errback) => !outer.errbacks.includes(errback)),
      isEmpty(ended(body, undefined, error)) ? noResult : noRun,
      error,
    );
    if ((body.type === "group" ? body.members : [body]).some(({ type }) => type !== "task"))
      this.deviations.add("chord-error-of-composed-body");
    // The members of a group end with the error itself (celery-wire.md §7.4).
    return body.type === "group" && body.members.length > 0 ? ended(body, undefined, ...causes) : ended(body, undefined, error);
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

function kwargsOf({ kwargs, immutable }: TaskNode): Kwargs {
  const merged = Object.entries({ ...kwargs?.own, ...(!immutable && kwargs?.over) });
  return Object.fromEntries(merged.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The label of the call that raises. */
function brokenBy({ kind, label, breaks, items }: TaskNode): string | undefined {
  if (breaks) return items?.[0]?.at(-1);
  return kind === "fail" || kind === "exhaust" ? label : undefined;
}

/** Every end that somebody can wait for ends with the error, or with one of them; what failed unseen ends others unseen. */
function ended(plan: Plan, hidden: true | undefined, ...errors: readonly Failure[]): Tree {
  switch (plan.type) {
    case "task": {
      const all = (list: readonly string[]) => [...new Set(list)];
      const error = { types: all(errors.flatMap(({ types }) => types)), from: all(errors.flatMap(({ from }) => from)) };
      return { error, ...(hidden && { hidden }) };
    }
    case "chain":
      return ended(prepared(plan).at(-1) as Plan, hidden, ...errors);
    case "group": {
      const [failed] = errors;
      const group = frozen(plan).members.map((member) => ended(member, hidden, ...errors));
      return group.length === 0 && failed !== undefined ? { group, failed } : { group };
    }
    case "chord":
      return ended(plan.body, hidden, ...errors);
  }
}

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

const isEmpty = (tree: Tree): boolean => "group" in tree && tree.group.every(isEmpty);
const groupOf = (tree: Tree): readonly Tree[] => ("group" in tree ? tree.group : [tree]);

function resultOf(tree: Tree): unknown {
  if ("group" in tree) return tree.group.map(resultOf);
  return "value" in tree ? tree.value : null;
}

function errorsOf(tree: Tree): readonly Failure[] {
  if ("group" in tree) return tree.failed === undefined ? tree.group.flatMap(errorsOf) : [tree.failed];
  return "error" in tree ? [tree.error] : [];
}
