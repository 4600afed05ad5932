/**
 * How Celery 5.6 puts a canvas together before it runs: what `a | b` makes of chains, groups and chords, and where links on
 * a composition end up (celery-wire.md §6.4, §6.5). Written from Celery's behaviour, not from Lovage's code, so that the two
 * can disagree.
 */
import type { Canvas, Errback, TaskNode } from "./canvas.ts";

export interface TaskPlan {
  readonly type: "task";
  readonly node: TaskNode;
  readonly immutable: boolean;
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
  /** A group of one followed a group that nothing stands before: Celery keeps it a group there, and there alone. */
  readonly keptGroupOfOne?: boolean;
}
export type Plan = TaskPlan | ChainPlan | GroupPlan | ChordPlan;

export function planOf(canvas: Canvas): Plan {
  const plan = composed(canvas);
  for (const link of canvas.link) linkTo(plan, planOf(link));
  for (const errback of canvas.linkError) linkErrorTo(plan, errback);
  return plan;
}

function composed(canvas: Canvas): Plan {
  switch (canvas.type) {
    case "task":
      return { type: "task", node: canvas, immutable: canvas.immutable, links: [], errors: [] };
    case "chain":
      return canvas.steps.map(planOf).reduce<Plan>(joined, chainOf([]));
    case "group":
      return { type: "group", members: canvas.members.map(planOf) };
    case "chord":
      return { type: "chord", header: canvas.header.map(planOf), body: planOf(canvas.body) };
  }
}

export const chainOf = (steps: Plan[]): ChainPlan => ({ type: "chain", steps, links: [], errors: [] });
export const chordOf = (group: GroupPlan, body: Plan): ChordPlan => ({ type: "chord", header: group.members, body });

/** `left | right` */
export function joined(left: Plan, right: Plan): Plan {
  switch (left.type) {
    case "task":
      return chainOf([left, ...(right.type === "chain" ? unchained(right) : [unrolled(right)])]);
    case "chain":
      return afterChain(left, right);
    case "group": {
      const body = unrolled(right);
      return body === right ? chordOf(left, body) : { ...chordOf(left, body), keptGroupOfOne: true };
    }
    case "chord":
      return afterChord(left, right);
  }
}

function afterChain(left: ChainPlan, given: Plan): Plan {
  const right = unrolled(given);
  if (right.type === "chain") return unchained(right).reduce<Plan>(joined, left);
  const last = left.steps.at(-1);
  if (right.type === "group") {
    const steps = unchained(left);
    if (steps.length === 0) return right;
    if (last?.type !== "chord") return chainOf([...steps, right]);
    return chainOf([...steps.slice(0, -1), { ...last, body: joined(last.body, right) }]);
  }
  if (last?.type === "group") return afterGroupInChain(left, chordOf(last, right));
  if (last?.type === "chord" && right.type !== "chord") {
    return { ...left, steps: [...left.steps.slice(0, -1), { ...last, body: joined(last.body, right) }] };
  }
  return chainOf([...unchained(left), right]);
}

/** Two chords in a row: the second becomes part of the first one's body. */
function afterGroupInChain(left: ChainPlan, chord: ChordPlan): Plan {
  const before = left.steps.at(-2);
  if (before?.type !== "chord") return { ...left, steps: [...left.steps.slice(0, -1), chord] };
  return { ...left, steps: [...left.steps.slice(0, -2), { ...before, body: joined(before.body, chord) }] };
}

function afterChord(left: ChordPlan, given: Plan): Plan {
  const right = given.type === "group" ? unrolled(given) : given;
  if (right.type === "chain" && given.type === "chain") return chainOf([left, ...unchained(right)]);
  if (right.type === "group") return chainOf([left, right]);
  return { ...left, body: joined(left.body, right) };
}

/** A group of one, where something stands before it, is its member. */
export function unrolled(plan: Plan): Plan {
  const [only, second] = plan.type === "group" ? plan.members : [];
  return only !== undefined && second === undefined ? only : plan;
}

/** The steps, with what was linked to the chain as a whole. */
function unchained(chain: ChainPlan): Plan[] {
  const last = chain.steps.at(-1);
  if (last !== undefined) for (const link of chain.links) linkTo(last, link);
  for (const errback of chain.errors) for (const step of chain.steps) linkErrorTo(step, errback);
  return chain.steps;
}

export function linkTo(plan: Plan, link: Plan): void {
  if (plan.type === "task" || plan.type === "chain") plan.links = [...new Set([...plan.links, link])];
  else if (plan.type === "chord") linkTo(plan.body, link);
  else throw new Error("the generator draws no link on a group");
}

/** `started`: a chord whose header is a group already passes nothing on to chords in its header. */
export function linkErrorTo(plan: Plan, errback: Errback, started = false): void {
  switch (plan.type) {
    case "task":
    case "chain":
      if (!plan.errors.includes(errback)) plan.errors.push(errback);
      break;
    case "group":
      for (const member of plan.members) linkErrorTo(member, errback);
      break;
    case "chord":
      if (!started) for (const member of plan.header) if (member.type === "chord") linkErrorTo(member, errback);
      linkErrorTo(plan.body, errback);
  }
}

/** What a chain does when it starts (`prepare_steps`): its steps in order, one after the other. */
export function prepared(chain: ChainPlan): Plan[] {
  const waiting = [...chain.steps];
  const steps: Plan[] = [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const step = unrolled(next);
    const after = steps[0];
    if (step.type === "chain") {
      waiting.push(...step.steps);
      continue;
    }
    if (step.type === "group" && after !== undefined) steps[0] = frozen(chordOf(step, after));
    else steps.unshift(frozen(step));
    for (const errback of chain.errors) linkErrorTo(steps[0] as Plan, errback, true);
  }
  const last = steps.at(-1);
  if (last !== undefined) for (const link of chain.links) linkTo(last, link);
  return steps;
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
