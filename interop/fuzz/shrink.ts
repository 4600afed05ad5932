/** From a canvas to the smallest one that still has a property: parts are taken away or put in the place of the whole. */
import { type Canvas, inside, size } from "./canvas.ts";
import { endsInNothing } from "./generate.ts";

/** @param stillFails is asked about a few candidates at once, in order of size, and says which of them do. */
export async function shrink(canvas: Canvas, stillFails: (candidates: readonly Canvas[]) => Promise<readonly boolean[]>): Promise<Canvas> {
  let smallest = canvas;
  for (;;) {
    const smaller = unique([...candidates(smallest)].filter(isWhole)).sort((a, b) => size(a) - size(b));
    const found = smaller[(await stillFails(smaller)).indexOf(true)];
    if (found === undefined) return smallest;
    smallest = found;
  }
}

const unique = (canvases: readonly Canvas[]): Canvas[] => [...new Map(canvases.map((canvas) => [JSON.stringify(canvas), canvas])).values()];

/** What the generator never draws is no finding. */
function isWhole(canvas: Canvas): boolean {
  if (canvas.type === "chain" && canvas.steps.length < 2) return false;
  if (canvas.type === "chain" && endsInNothing(canvas)) return false;
  if (canvas.type === "chord" && endsInNothing(canvas.body)) return false;
  if (canvas.type === "task" && (canvas.kind === "replace") !== (canvas.with !== undefined)) return false;
  return [...inside(canvas), ...canvas.link].every(isWhole);
}

function* candidates(canvas: Canvas): Generator<Canvas> {
  yield* inside(canvas);
  yield* canvas.link;
  for (const link of without(canvas.link)) yield { ...canvas, link };
  for (const linkError of without(canvas.linkError)) yield { ...canvas, linkError };
  for (const link of each(canvas.link)) yield { ...canvas, link };
  yield* ofShape(canvas);
}

function* ofShape(canvas: Canvas): Generator<Canvas> {
  switch (canvas.type) {
    case "task": {
      const { with: replacement, ...task } = canvas;
      if (canvas.kind !== "give") yield { ...task, kind: "give" };
      if (canvas.immutable) yield { ...canvas, immutable: false };
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
