/** How parts of a canvas end, in the shape that a caller sees: one end, or those of a group's members. */
import { frozen, type Plan, prepared } from "./plan.ts";

/** More than one type, and label of a task whose own error it is, where Celery leaves open which part of a chord speaks. */
export interface Failure {
  readonly types: readonly string[];
  readonly from: readonly string[];
}
export type End = ({ readonly value: unknown } | { readonly error: Failure }) & Told;
interface Told {
  /** Nothing is stored of it. */
  readonly hidden?: true;
  /** Perhaps it is Celery that says so. */
  readonly byCelery?: boolean;
  /** Celery forgot that nothing was to be stored. */
  readonly isForgotten?: boolean;
}
/** One task, or the members of a group. */
export type Tree = End | Group;
interface Group {
  readonly group: readonly Tree[];
  /** Why it never came to a group without members, which has no end of its own to say so. */
  readonly failed?: Failure;
  /** Perhaps it is Celery that says so. */
  readonly byCelery?: boolean;
}

/** A group of one chain that ends in a group is that group, for its caller. */
export function collapsed(tree: Tree): Tree {
  if (!("group" in tree)) {
    const { byCelery: _, isForgotten: __, ...end } = tree;
    return end;
  }
  const [only, second] = tree.group;
  return only !== undefined && "group" in only && second === undefined ? collapsed(only) : { group: tree.group.map(collapsed) };
}

/** Every end that somebody can wait for ends with the error, or with one of them; what failed unseen ends others unseen. */
export function ended(plan: Plan, how: Told, ...errors: readonly Failure[]): Tree {
  switch (plan.type) {
    case "task": {
      const all = (list: readonly string[]) => [...new Set(list)];
      const error = { types: all(errors.flatMap(({ types }) => types)), from: all(errors.flatMap(({ from }) => from)) };
      const { hidden, byCelery = false, isForgotten = false } = how;
      return { error, byCelery, isForgotten, ...(hidden && { hidden }) };
    }
    case "chain":
      return ended(prepared(plan).at(-1) as Plan, how, ...errors);
    case "group": {
      const [failed] = errors;
      const group = frozen(plan).members.map((member) => ended(member, how, ...errors));
      return group.length === 0 && failed !== undefined ? { group, failed, byCelery: how.byCelery === true } : { group };
    }
    case "chord":
      return ended(plan.body, how, ...errors);
  }
}

export const isEmpty = (tree: Tree): boolean => "group" in tree && tree.group.every(isEmpty);
export const membersOf = (tree: Tree): readonly Tree[] => ("group" in tree ? tree.group : [tree]);

export function isByCelery(tree: Tree): boolean {
  return tree.byCelery === true || ("group" in tree && tree.group.some(isByCelery));
}

export function isHidden(tree: Tree): boolean {
  return "group" in tree ? tree.group.some(isHidden) : tree.hidden === true;
}

export function isForgotten(tree: Tree): boolean {
  return "group" in tree ? tree.group.some(isForgotten) : tree.isForgotten === true;
}

export function resultOf(tree: Tree): unknown {
  if ("group" in tree) return tree.group.map(resultOf);
  return "value" in tree ? tree.value : null;
}

export function errorsOf(tree: Tree): readonly Failure[] {
  if ("group" in tree) return tree.failed === undefined ? tree.group.flatMap(errorsOf) : [tree.failed];
  return "error" in tree ? [tree.error] : [];
}
