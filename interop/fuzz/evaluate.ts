/**
 * The reference: what a canvas gives, by Celery 5.6's rules, worked out over the tree alone. It sends nothing, has no ids
 * and shares no code with the product. Where Celery itself leaves somebody waiting for ever, the value here is the end that
 * they should see, and the place is marked with the name of a known deviation (`deviations.ts`).
 */
import type { Canvas, Errback, TaskNode } from "./canvas.ts";
import type { Deviation } from "./deviations.ts";
import {
  type ChainPlan,
  type ChordPlan,
  chordOf,
  frozen,
  type GroupPlan,
  linkErrorTo,
  linkTo,
  type Plan,
  Planner,
  prepared,
  type TaskPlan,
} from "./plan.ts";

/** More than one type, and label of a task whose own error it is, where Celery leaves open which part of a chord speaks. */
export interface Failure {
  readonly types: readonly string[];
  readonly from: readonly string[];
}
export type End = { readonly value: unknown } | { readonly error: Failure };
/** One task, or the members of a group. */
export type Tree = End | { readonly group: readonly Tree[] };

/** A run of a task, with all that it was called with but its label. */
export interface Run {
  readonly label: string;
  readonly args: readonly unknown[];
  readonly how: "ran" | "retried" | "replaced";
}
/** `failed`: the label of the run that failed, "not run" for a chord's body, null where it was not told. */
export interface Call {
  readonly errback: string;
  readonly failed: string | null;
}

export interface Expected {
  readonly result: Tree;
  readonly runs: readonly Run[];
  readonly calls: readonly Call[];
  readonly deviations: ReadonlySet<Deviation>;
}

export function evaluate(canvas: Canvas): Expected {
  const evaluation = new Evaluation();
  const result = evaluation.apply(evaluation.planner.plan(canvas), []);
  return { result: collapsed(result), runs: evaluation.runs, calls: evaluation.calls, deviations: evaluation.planner.deviations };
}

/** A group of one chain that ends in a group is that group, for its caller. */
export function collapsed(tree: Tree): Tree {
  if (!("group" in tree)) return tree;
  const [only, second] = tree.group;
  return only !== undefined && "group" in only && second === undefined ? collapsed(only) : { group: tree.group.map(collapsed) };
}

const notRun = "not run";

class Evaluation {
  readonly runs: Run[] = [];
  readonly calls: Call[] = [];
  readonly planner = new Planner();

  /** `outer`: errbacks of the chord's body that this end reports to, if it does. */
  apply(plan: Plan, given: readonly unknown[], outer: readonly Errback[] = []): Tree {
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

  #task(plan: TaskPlan, given: readonly unknown[], outer: readonly Errback[]): Tree {
    const { kind, label } = plan.node;
    const args = plan.immutable ? [] : given;
    if (kind === "retry") this.runs.push({ label, args, how: "retried" });
    if (kind === "replace") return this.#replaced(plan, args, outer);
    if (plan.node !== accumulating) this.runs.push({ label, args, how: "ran" });
    if (kind === "fail") {
      this.#callErrbacks(plan.errors, label);
      return { error: { types: ["Boom"], from: [label] } };
    }
    const value = plan.node === accumulating ? args[0] : [...args, label];
    for (const link of plan.links) this.apply(link, [value]);
    return { value };
  }

  /** The replacement has its links, and its place: a group's values become one list. */
  #replaced(plan: TaskPlan, args: readonly unknown[], outer: readonly Errback[]): Tree {
    this.runs.push({ label: plan.node.label, args, how: "replaced" });
    const replacement = this.planner.plan(plan.node.with as Canvas);
    if (replacement.type === "group" && replacement.members.length === 0) this.planner.deviations.add("replaced-by-empty-group");
    const end = replacement.type === "group" ? chordOf(replacement, accumulate()) : replacement;
    if (end.type === "chord") this.planner.deviations.add("replaced-by-chord-inside-chord");
    for (const link of plan.links) linkTo(end, link);
    for (const errback of plan.errors) linkErrorTo(end, errback);
    return this.apply(end, [], outer);
  }

  #chain(plan: ChainPlan, given: readonly unknown[], outer: readonly Errback[]): Tree {
    if (plan.links.length > 0 && prepared({ ...plan, links: [] }).at(-1)?.type === "chord")
      this.planner.deviations.add("link-of-chain-ending-in-chord");
    return this.#steps(prepared(plan), given, outer);
  }

  #steps([step, ...later]: readonly Plan[], given: readonly unknown[], outer: readonly Errback[]): Tree {
    if (step === undefined) throw new Error("the generator draws no empty chain");
    if (later.length === 0) return this.apply(step, given, outer);
    const end = this.apply(step, given);
    if ("value" in end) return this.#steps(later, [end.value], outer);
    if ("group" in end) throw new Error("a group with a step after it is a chord");
    if (end.error.types.includes("ChordError")) this.planner.deviations.add("chord-error-before-later-step");
    if (later.some(({ type }) => type !== "task")) this.planner.deviations.add("chain-error-before-composition");
    return ended(later.at(-1) as Plan, end.error);
  }

  #group({ members }: GroupPlan, given: readonly unknown[], outer: readonly Errback[]): Tree {
    return {
      group: members.flatMap((member) =>
        member.type === "group" ? groupOf(this.#group(member, given, outer)) : [this.apply(member, given, outer)],
      ),
    };
  }

  #chord({ header, body }: ChordPlan, given: readonly unknown[], outer: readonly Errback[]): Tree {
    if (header.length === 0) return this.apply(body, [[]], outer);
    const parts = header.map((member) => this.apply(member, given, errbacksOf(body)));
    const isComplex = parts.some((part) => "group" in part);
    if (isComplex && header.some(endsInChord)) this.planner.deviations.add("group-and-chord-inside-chord");
    const errors = parts.flatMap(errorsOf);
    if (errors.length === 0) return this.apply(body, [parts.map(resultOf)], outer);
    if (errors.some(({ types }) => types.includes("ChordError"))) this.planner.deviations.add("chord-error-inside-chord");
    if (isComplex) this.planner.deviations.add("failing-group-inside-chord");
    return this.#bodyFailed(body, isComplex ? errors : errors.slice(0, 1), outer);
  }

  /** What is linked to the body as a whole, or to what would have run first, hears of it; once, if the chord around it will call it too. */
  #bodyFailed(body: Plan, causes: readonly Failure[], outer: readonly Errback[]): Tree {
    this.planner.deviations.add("chord-error");
    if (body.type === "group") this.planner.deviations.add("chord-error-of-group-body");
    const error: Failure = { types: ["ChordError"], from: [...new Set(causes.flatMap(({ from }) => from))] };
    const errbacks = errbacksOf(body);
    if (errbacks.length > (body.type === "task" || body.type === "chain" ? body.errors.length : 0))
      this.planner.deviations.add("errback-of-first-step");
    this.#callErrbacks(
      errbacks.filter((errback) => !outer.includes(errback)),
      notRun,
    );
    if ((body.type === "group" ? body.members : [body]).some(({ type }) => type !== "task"))
      this.planner.deviations.add("chord-error-of-composed-body");
    // The members of a group end with the error itself (celery-wire.md §7.4).
    return body.type === "group" ? ended(body, ...causes) : ended(body, error);
  }

  #callErrbacks(errbacks: readonly Errback[], failed: string): void {
    for (const { label, immutable } of errbacks) this.calls.push({ errback: label, failed: immutable ? null : failed });
  }
}

/** The end that Celery gives to a group that replaces a task: the list of its results is its value. */
const accumulating: TaskNode = { type: "task", kind: "give", label: "", side: "ts", immutable: false, link: [], linkError: [] };
const accumulate = (): TaskPlan => ({ type: "task", node: accumulating, immutable: false, links: [], errors: [] });

/** Every end that somebody can wait for ends with the error, or with one of them. */
function ended(plan: Plan, ...errors: readonly Failure[]): Tree {
  switch (plan.type) {
    case "task": {
      const all = (list: readonly string[]) => [...new Set(list)];
      return { error: { types: all(errors.flatMap(({ types }) => types)), from: all(errors.flatMap(({ from }) => from)) } };
    }
    case "chain":
      return ended(prepared(plan).at(-1) as Plan, ...errors);
    case "group":
      return { group: frozen(plan).members.map((member) => ended(member, ...errors)) };
    case "chord":
      return ended(plan.body, ...errors);
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

const groupOf = (tree: Tree): readonly Tree[] => ("group" in tree ? tree.group : [tree]);

function resultOf(tree: Tree): unknown {
  if ("group" in tree) return tree.group.map(resultOf);
  return "value" in tree ? tree.value : null;
}

function errorsOf(tree: Tree): readonly Failure[] {
  if ("group" in tree) return tree.group.flatMap(errorsOf);
  return "error" in tree ? [tree.error] : [];
}
