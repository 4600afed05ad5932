/**
 * `node dist/measure.js`: how often the model is right. Without arguments on painted pictures that it has not learnt from, else on one's
 * own: `node dist/measure.js photo=$HOME/Pictures text=scans`.
 */
import { realpathSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier } from "./classifier.ts";
import { readImage } from "./image.ts";
import { heldOutSeed } from "./network/fit.ts";
import { paintedFile } from "./pictures/file.ts";
import { type Kind, kinds } from "./pictures/paint.ts";

/** How many of each kind (rows) were taken for which (columns), in the order of `kinds`. */
export type Confusion = Readonly<Record<Kind, readonly number[]>>;

export async function measurePainted(classifier: Classifier, perKind: number): Promise<Confusion> {
  return measure(classifier, (kind) => Array.from({ length: perKind }, (_, i) => () => paintedFile(kind, heldOutSeed + i, 288, 192)));
}

type Source = () => string | Promise<Buffer>;

async function measure(classifier: Classifier, picturesOf: (kind: Kind) => readonly Source[]): Promise<Confusion> {
  const confusion = Object.fromEntries(kinds.map((kind) => [kind, kinds.map(() => 0)])) as Record<Kind, number[]>;
  for (const kind of kinds) {
    for (const picture of picturesOf(kind)) {
      const file = await picture();
      const { kind: said, probabilities } = await classifier.classify((await readImage(file)).canvas);
      confusion[kind][kinds.indexOf(said)]! += 1;
      if (typeof file === "string" && said !== kind) console.log(`${file}: ${said}, ${JSON.stringify(probabilities)}`);
    }
  }
  return confusion;
}

export function accuracy(confusion: Confusion): number {
  const right = kinds.reduce((sum, kind, k) => sum + (confusion[kind][k] as number), 0);
  return right / kinds.reduce((sum, kind) => sum + confusion[kind].reduce((a, b) => a + b, 0), 0);
}

async function filesOf(place: string): Promise<readonly string[]> {
  if ((await stat(place)).isFile()) return [place];
  const names = await readdir(place, { recursive: true });
  return names.filter((name) => /\.(jpe?g|png|webp|gif|tiff?)$/i.test(name)).map((name) => path.join(place, name));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const classifier = await Classifier.load(fileURLToPath(new URL("../model/kinds.onnx", import.meta.url)));
  const own = new Map<string, readonly string[]>();
  for (const [kind = "", place = ""] of process.argv.slice(2).map((argument) => argument.split("=")))
    own.set(kind, [...(own.get(kind) ?? []), ...(await filesOf(place))]);
  const confusion =
    own.size === 0
      ? await measurePainted(classifier, 100)
      : await measure(classifier, (kind) => (own.get(kind) ?? []).map((file) => () => file));
  console.log(["", ...kinds].map((text) => text.padStart(9)).join(""));
  for (const kind of kinds) console.log([kind, ...confusion[kind]].map((text) => String(text).padStart(9)).join(""));
  console.log(`accuracy ${(100 * accuracy(confusion)).toFixed(1)} %`);
}
