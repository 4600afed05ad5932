/**
 * The first step over a whole photo: which ground, which objects, how large, and from that the scale and the slices to detect in.
 * The answer is small JSON: every slice can be worked on anywhere with the photo and this value. Does not count.
 */

import { MODEL_OBJECT } from "./blob-model.ts";
import type { Polarity } from "./evidence.ts";
import type { Ground } from "./ground.ts";
import { guessesFor } from "./guesses.ts";
import type { Guess } from "./judge.ts";
import { decodePhoto, readScaled } from "./photo.ts";
import type { Segmentation } from "./segmentation.ts";
import { sliceUp } from "./slices.ts";
import { toneOf } from "./tone.ts";

/** Shorter side of the reduced copy in pixels; the smallest objects (2 %) are then 8 pixels wide, and are looked at again. */
const REDUCED = 400;
/** Objects narrower than this in the reduced copy are looked at again in a larger one, at most so many times larger. */
const SMALL = 22;
const MOST_ZOOM = 2.6;
/** A first look this good has the polarity right. */
const SURE = 0.75;
/** Most pixels of the working picture; bounds memory and time for the largest photos with the smallest objects. */
const MOST_WORKING = 5e6;
/** Small photos are enlarged at most this much: a 300-pixel photo's smallest objects have 6 pixels. */
const MOST_ENLARGED = 4;

interface Size {
  readonly width: number;
  readonly height: number;
}

export interface SegmentOptions {
  /** Greatest side of a slice's core in working pixels. */
  readonly sliceSize?: number;
  /** Which side of the ground the objects are on, where it is known; found out otherwise. */
  readonly polarity?: Polarity;
  /** Ends the work at the next stage. */
  readonly signal?: AbortSignal;
}

export async function segmentPhoto(path: string, options: SegmentOptions = {}): Promise<Segmentation> {
  const photo = await decodePhoto(path, { full: false });
  options.signal?.throwIfAborted();
  let reduced = scaled(photo, REDUCED / Math.min(photo.width, photo.height));
  let guess = await look(path, reduced, options.polarity, options.signal);
  if (guess !== undefined && guess.typical < SMALL) {
    // Smoothing is one pixel of the reduced copy, too much for objects this small: look again, larger.
    const zoom = Math.min(MOST_ZOOM, (1.4 * SMALL) / guess.typical);
    const larger = scaled(photo, (zoom * REDUCED) / Math.min(photo.width, photo.height));
    const polarity = options.polarity ?? (typeof guess.sense === "string" && guess.quality > SURE ? guess.sense : undefined);
    const again = await look(path, larger, polarity, options.signal);
    if (again !== undefined && again.quality > guess.quality - 0.1) [reduced, guess] = [larger, again];
  }
  const reduction = reduced.width / photo.width;
  if (guess === undefined) return emptyGround(photo, reduced);
  const working = scaled(photo, workingScale(photo, guess.typical / reduction));
  const ratio = working.width / reduced.width;
  const typicalWorking = guess.typical * ratio;
  const margin = Math.ceil(Math.max(1.2 * typicalWorking, 0.6 * guess.largest * ratio) + 8);
  return {
    width: photo.width,
    height: photo.height,
    working,
    ground: rounded(guess.ground),
    sense: guess.sense,
    threshold: round(guess.threshold),
    strength: round(guess.strength),
    smooth: round(Math.max(0.7, ratio)),
    typicalWorking: round(typicalWorking),
    typical: round(guess.typical / reduction),
    quality: round(guess.quality),
    slices: sliceUp(working.width, working.height, { core: options.sliceSize ?? 800, margin }),
  };
}

async function look(path: string, size: Size, polarity: Polarity | undefined, signal: AbortSignal | undefined): Promise<Guess | undefined> {
  const tone = toneOf(await readScaled(path, size.width, size.height), 1);
  signal?.throwIfAborted();
  return guessesFor(tone, polarity)[0];
}

function scaled({ width, height }: Size, scale: number) {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function workingScale(photo: Size, typical: number): number {
  const most = Math.sqrt(MOST_WORKING / (photo.width * photo.height));
  return Math.min(MODEL_OBJECT / typical, most, MOST_ENLARGED);
}

/** Nothing stands out from the ground: one slice, and a threshold that nothing reaches. */
function emptyGround(photo: Size, reduced: Size): Segmentation {
  return {
    width: photo.width,
    height: photo.height,
    working: reduced,
    ground: { surface: [[0], [0], [0]], spread: [1, 1, 1] },
    sense: "either",
    threshold: 1e6,
    strength: 1e6,
    smooth: 1,
    typicalWorking: MODEL_OBJECT,
    typical: MODEL_OBJECT / (reduced.width / photo.width),
    quality: 0,
    slices: sliceUp(reduced.width, reduced.height, { core: 4096, margin: 8 }),
  };
}

const round = (value: number): number => Number(value.toPrecision(6));

function rounded(ground: Ground): Ground {
  return { surface: ground.surface.map((s) => s.map(round)), spread: ground.spread.map(round) };
}
