/** All steps in one process, one slice after the other. */
import { type DetectOptions, detectSlice } from "./detect.ts";
import { mergeDetections } from "./merge.ts";
import { type SegmentOptions, segmentPhoto } from "./segment-photo.ts";
import type { Detection, Segmentation } from "./segmentation.ts";

export interface Counted {
  readonly total: number;
  readonly objects: readonly Detection[];
  readonly segmentation: Segmentation;
}

export async function countObjects(path: string, options: SegmentOptions & DetectOptions = {}): Promise<Counted> {
  const segmentation = await segmentPhoto(path, options);
  const perSlice: Detection[][] = [];
  for (const slice of segmentation.slices) perSlice.push(await detectSlice(path, segmentation, slice, options));
  const objects = mergeDetections(perSlice, segmentation);
  return { total: objects.length, objects, segmentation };
}
