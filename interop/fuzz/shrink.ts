/** From a canvas to the smallest one that still has a property: parts are taken away or put in the place of the whole. */
import { type Canvas, inside, size, type TaskNode } from "./canvas.ts";
import { endsInNothing, endsInTask } from "./generate.ts";

/** @param stillFails is asked about a few candidates at once, in order of size, and says which of them do. */
export async function shrink(canvas: Canvas, stillFails: (candidates: readonly Canvas[]) => Promise<readonly boolean[]>): Promise<Canvas> {
  let smallest = canvas;
  for (;;) {
    const smaller = unique([...candidates(smallest)].filter((each) => isWhole(each))).sort((a, b) => size(a) - size(b));
    const found = smaller[(await stillFails(smaller)).indexOf(true)];
    if (found === undefined) return smallest;
    smallest = found;
  }
}

const unique = (canvases: readonly Canvas[]): Canvas[] => [...new Map(canvases.map((canvas) => [JSON.stringify(canvas), canvas])).values()];

/** What the generator never draws is no finding. `part`: it ends as a member of a chord whose members all end in one task. */
function isWhole(canvas: Canvas, part = false): boolean {
  if (canvas.type === "chain" && canvas.steps.length < 2) return false;
  if (canvas.linkError.length > 0 && endsInNothing(canvas)) return false;
  if (canvas.link.length > 0 && !endsInTask(canvas)) return false;
  if (canvas.type === "task" && canvas.with !== undefined && endsInNothing(canvas.with)) return false;
  if (canvas.type === "task" && canvas.kind === "add" && !part) return false;
  if (canvas.link.some((link) => !isWhole(link))) return false;
  if (canvas.type === "chord") {
    const areParts = canvas.header.every(endsInTask);
    return canvas.header.every((member) => isWhole(member, areParts)) && isWhole(canvas.body, part);
  }
  return inside(canvas).every((each, i, { length }) => isWhole(each, part && canvas.type !== "group" && i === length - 1));
}

function* candidates(canvas: Canvas): Generator<Canvas> {
  yield* inside(canvas);
  yield* canvas.link;
  for (const link of without(canvas.link)) yield { ...canvas, link };
  for (const linkError of without(canvas.linkError)) yield { ...canvas, linkError };
  for (const link of each(canvas.link)) yield { ...canvas, link };
  yield* withoutMarks(canvas);
  yield* ofShape(canvas);
}

/** Each less one of the things that need not be there. */
function* withoutMarks(canvas: Canvas): Generator<Canvas> {
  for (const mark of ["stamps", "given", "ignored", "hasId", "breaks", "immutable"] as const) {
    if (!(mark in canvas) || (canvas as TaskNode)[mark] === false) continue;
    const { [mark]: _, ...less } = canvas as TaskNode;
    yield (mark === "immutable" && canvas.type === "task" ? { ...less, immutable: false } : less) as Canvas;
  }
}

function* ofShape(canvas: Canvas): Generator<Canvas> {
  switch (canvas.type) {
    case "task": {
      const { with: replacement, kwargs: _, items, breaks: __, ...task } = canvas;
      if (canvas.kind !== "give") yield { ...task, kind: "give" };
      if (canvas.kind === "exhaust") yield { ...task, kind: "fail" };
      for (const less of without(items ?? [])) if (less.length > 0) yield { ...canvas, items: less };
      if (canvas.side === "py") yield { ...canvas, side: "ts" };
      if (replacement !== undefined) for (const smaller of candidates(replacement)) yield { ...canvas, with: smaller };
      break;
    }
    case "chain":
      for (const steps of [...without(canvas.steps), ...each(canvas.steps)]) yield { ...canvas, steps };
      break;
    case "group":
      for (const members of [...without(canvas.members), ...each(canvas.members)]) yield { ...canvas, members };
      break;
    case "chunks":
      for (const items of without(canvas.items)) yield { ...canvas, items };
      break;
    case "chord":
      for (const header of [...without(canvas.header), ...each(canvas.header)]) yield { ...canvas, header };
      for (const body of candidates(canvas.body)) yield { ...canvas, body };
  }
}

/** The list less one. */
const without = <T>(list: readonly T[]): readonly (readonly T[])[] => list.map((_, i) => list.filter((__, j) => j !== i));

/** The list with one made smaller. */
function* each(list: readonly Canvas[]): Generator<readonly Canvas[]> {
  for (const [i, canvas] of list.entries()) for (const smaller of candidates(canvas)) yield list.with(i, smaller);
}
