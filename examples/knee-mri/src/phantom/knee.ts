/**
 * A knee made of simple shapes whose cartilage has a known thickness at every point: femur with two condyles and the groove
 * for the knee cap, tibia with its plateau, cartilage that thins out towards its rims, menisci, joint fluid, a ligament,
 * muscle, fat and skin. A point of it is asked for in millimetres: right, front and up from the middle of the joint.
 */
import { labels } from "../anatomy/analyse.ts";
import type { Triple } from "../volume/volume.ts";
import { Random } from "./random.ts";
import { capsule, roundedBox, type Shape, type Touch } from "./shapes.ts";

export const tissues = ["air", "fat", "muscle", "marrow", "cortex", "cartilage", "meniscus", "fluid"] as const;
export type Tissue = (typeof tissues)[number];

export interface Point {
  tissue: Tissue;
  /** One of `labels` (`analyse.ts`), or 0. */
  label: number;
  /** Of the cartilage that the point is in, millimetres; 0 elsewhere. */
  thickness: number;
  /** Millimetres to the surface of a bone. */
  toBone: number;
}

export interface KneeSizes {
  readonly scale: number;
  readonly femoralMm: number;
  readonly tibialMm: number;
  /** Middle (right, front) of a place on the tibia where half of the cartilage is gone; null: there is none. */
  readonly wornAt: readonly [number, number] | null;
  readonly fluid: boolean;
}

export function randomSizes(seed: number): KneeSizes {
  const random = new Random(seed);
  const side = random.next() < 0.5 ? -1 : 1;
  return {
    scale: random.between(0.93, 1.07),
    femoralMm: random.between(1.7, 2.7),
    tibialMm: random.between(1.9, 3.1),
    wornAt: random.next() < 0.4 ? [side * random.between(16, 24), random.between(-7, 5)] : null,
    fluid: random.next() < 0.8,
  };
}

const smooth = (low: number, high: number, value: number) => {
  const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return share * share * (3 - 2 * share);
};

/** What the knee is at a point. The same object is filled again and again. */
export function makeKnee(sizes: KneeSizes): (x: number, y: number, z: number) => Point {
  const { scale } = sizes;
  const touch: Touch = { distance: 0, normal: [0, 0, 0] };
  const point: Point = { tissue: "air", label: 0, thickness: 0, toBone: 0 };
  const distance = (shape: Shape, x: number, y: number, z: number) => {
    shape.measure(x, y, z, touch);
    return touch.distance;
  };
  const femur = bone(femurParts(sizes));
  const tibia = bone(tibiaParts(sizes));
  const ligament = capsule([-5, -12, 26], [5, 8, -4], 4);
  const pouch = capsule([-12, 36, 44], [12, 36, 44], 4.5);

  const set = (tissue: Tissue, label = 0, thickness = 0): Point => {
    point.tissue = tissue;
    point.label = label;
    point.thickness = thickness;
    return point;
  };
  return (px, py, pz) => {
    const x = px / scale;
    const y = py / scale;
    const z = pz / scale;
    const ofFemur = femur(x, y, z);
    const toFemur = ofFemur.distance * scale;
    const femoral = ofFemur.cartilageMm;
    const ofTibia = tibia(x, y, z);
    const toTibia = ofTibia.distance * scale;
    const tibial = ofTibia.cartilageMm;
    point.toBone = Math.min(Math.abs(toFemur), Math.abs(toTibia));
    if (toFemur <= 0) return set(toFemur > -0.8 ? "cortex" : "marrow", labels.femur);
    if (toTibia <= 0) return set(toTibia > -0.8 ? "cortex" : "marrow", labels.tibia);
    if (toFemur < femoral) return set("cartilage", labels.femoralCartilage, femoral);
    if (toTibia < tibial) return set("cartilage", labels.tibialCartilage, tibial);
    const leg = Math.sqrt((x / 56) ** 2 + ((y - 2) / 58) ** 2);
    if (leg > 1) return set("air");
    if (leg > 0.87) return set("fat");
    const rim = rimOf(x, y);
    if (z > -6 && z < 10 && rim < 1.3 && toFemur < 7 && toTibia < 9) {
      if (rim > 0.8) return set("meniscus");
      if (sizes.fluid) return set("fluid");
      return set("meniscus");
    }
    if (distance(ligament, x, y, z) < 0) return set("meniscus");
    if (sizes.fluid && distance(pouch, x, y, z) < 0) return set("fluid");
    return set("muscle");
  };
}

/** 0 in the middle of the nearer half of the plateau, 1 at the rim of its cartilage. */
const rimOf = (x: number, y: number) => Math.sqrt(((Math.abs(x) - 20) / 13) ** 2 + ((y + 2) / 19) ** 2);

interface Part {
  readonly shape: Shape;
  readonly cartilageMm: (normal: Triple, x: number, y: number, z: number) => number;
}

function femurParts({ femoralMm }: KneeSizes): readonly Part[] {
  const condyle = (normal: Triple) => femoralMm * smooth(-0.15, 0.2, -normal[2]);
  const groove = (normal: Triple) => femoralMm * smooth(0.15, 0.5, normal[1]);
  const none = () => 0;
  return [
    { shape: capsule([-22, -15, 22], [-19, 13, 24], 19), cartilageMm: condyle },
    { shape: capsule([22, -15, 22], [19, 13, 24], 19), cartilageMm: condyle },
    { shape: capsule([-12, 17, 28], [12, 17, 28], 16), cartilageMm: groove },
    { shape: capsule([0, 2, 34], [0, 4, 160], 15), cartilageMm: none },
  ];
}

function tibiaParts({ tibialMm, wornAt }: KneeSizes): readonly Part[] {
  const plateau = (normal: Triple, x: number, y: number) => {
    const whole = tibialMm * smooth(0.97, 1, normal[2]) * (1 - smooth(0.75, 1, rimOf(x, y)));
    return wornAt ? whole * (1 - 0.5 * (1 - smooth(3, 6, Math.hypot(x - wornAt[0], y - wornAt[1])))) : whole;
  };
  return [
    { shape: roundedBox([0, -2, -16.5], [37, 24, 13], 5), cartilageMm: plateau },
    { shape: capsule([0, -4, -26], [0, -4, -160], 17), cartilageMm: () => 0 },
  ];
}

/** The nearest part says how thick the cartilage is over it. */
function bone(parts: readonly Part[]): (x: number, y: number, z: number) => { readonly distance: number; readonly cartilageMm: number } {
  const touch: Touch = { distance: 0, normal: [0, 0, 0] };
  const found = { distance: 0, cartilageMm: 0 };
  return (x, y, z) => {
    found.distance = Number.POSITIVE_INFINITY;
    for (const part of parts) {
      part.shape.measure(x, y, z, touch);
      if (touch.distance >= found.distance) continue;
      found.distance = touch.distance;
      found.cartilageMm = touch.distance > 0 && touch.distance < 6 ? part.cartilageMm(touch.normal, x, y, z) : 0;
    }
    return found;
  };
}
