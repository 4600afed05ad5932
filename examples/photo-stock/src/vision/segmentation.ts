/** What the steps hand to each other, as plain JSON: the segmentation of a photo, its slices, the detections in them. */
import type { Sense } from "./evidence.ts";
import type { Ground } from "./ground.ts";

export interface Segmentation {
  /** Upright photo, pixels. */
  readonly width: number;
  readonly height: number;
  /** The picture that slices are cut from: the photo resized to this. */
  readonly working: { readonly width: number; readonly height: number };
  readonly ground: Ground;
  /** Which way objects differ from the ground. */
  readonly sense: Sense;
  /** Evidence above this is object, in spreads of the ground. */
  readonly threshold: number;
  /** Mean evidence of a usual object. */
  readonly strength: number;
  /** Smoothing before the comparison, in working pixels. */
  readonly smooth: number;
  /** Diameter of a typical object, in working pixels and in pixels of the photo. */
  readonly typicalWorking: number;
  readonly typical: number;
  /** How well shapes, sizes and ground fit together, 0 to 1; below 0.5 the photo is probably not of the kind this can count. */
  readonly quality: number;
  readonly slices: readonly Slice[];
}

export interface Slice {
  readonly index: number;
  /** The part to look at, in pixels of the working picture. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The part it answers for: objects centred in it. The cores of all slices tile the picture. */
  readonly core: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

export interface Detection {
  /** x, y, width, height in pixels of the upright photo. */
  readonly box: readonly [number, number, number, number];
  /** 0 to 1: how much it looks like one object on bare ground. */
  readonly score: number;
}
