/**
 * Puts the slices' answers together. An object near a border is reported by both neighbours: the better report stays.
 * Two boxes of one slice are never merged, so touching objects stay apart.
 */
import type { Detection, Segmentation } from "./segmentation.ts";

/** Two reports are of one object if they overlap this much: of both together, or of the smaller. */
const SAME_OF_UNION = 0.45;
const SAME_OF_SMALLER = 0.7;

interface Report extends Detection {
  readonly slice: number;
}

/** Detections of all slices, in any order of slices; sorted by place, so that the answer is the same for the same photo. */
export function mergeDetections(
  perSlice: readonly (readonly Detection[])[],
  segmentation: Pick<Segmentation, "width" | "height">,
): Detection[] {
  const reports: Report[] = perSlice.flatMap((list, slice) => list.map((d) => ({ box: d.box, score: d.score, slice })));
  // A report cut by a slice's edge is smaller: of two, the larger comes first, then the surer.
  reports.sort((a, b) => area(b) - area(a) || b.score - a.score || byPlace(a, b));
  const kept: Report[] = [];
  for (const report of reports) {
    if (!kept.some((other) => other.slice !== report.slice && same(other, report))) kept.push(report);
  }
  return kept
    .filter(({ box: [x, y] }) => x < segmentation.width && y < segmentation.height)
    .sort(byPlace)
    .map(({ box, score }) => ({ box, score }));
}

const area = ({ box: [, , w, h] }: Detection): number => w * h;

const byPlace = (a: Detection, b: Detection): number =>
  a.box[1] - b.box[1] || a.box[0] - b.box[0] || a.box[2] - b.box[2] || a.box[3] - b.box[3];

function same(a: Detection, b: Detection): boolean {
  const width = Math.min(a.box[0] + a.box[2], b.box[0] + b.box[2]) - Math.max(a.box[0], b.box[0]);
  const height = Math.min(a.box[1] + a.box[3], b.box[1] + b.box[3]) - Math.max(a.box[1], b.box[1]);
  if (width <= 0 || height <= 0) return false;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared) > SAME_OF_UNION || shared / Math.min(area(a), area(b)) > SAME_OF_SMALLER;
}
