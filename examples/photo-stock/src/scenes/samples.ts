/** The pictures in samples/: recipes, and a small program that writes them again (`node dist/scenes/samples.js FOLDER`). */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { type Recipe, recipeFor } from "./recipe.ts";
import { cook } from "./scene.ts";

const common = {
  perspective: 0.12,
  file: "jpeg",
  quality: 86,
  grey: false,
  noise: 2,
  blur: 0.9,
  vignette: 0.2,
  patches: 0.04,
  grain: 0.03,
} as const;

/** By file name without ending. */
export const SAMPLES: Readonly<Record<string, Recipe>> = {
  coins: {
    ...recipeFor(9001),
    ...common,
    width: 1600,
    height: 1200,
    kind: "coin",
    count: 42,
    diameter: 120,
    sizeSpread: 0.3,
    ground: [0.06, 0.075, 0.1],
    colours: [
      [0.62, 0.6, 0.56],
      [0.66, 0.5, 0.2],
      [0.56, 0.29, 0.15],
    ],
    fall: 0.35,
    lightAngle: 0.9,
    shadow: 0.4,
    shadowReach: 0.08,
    touching: 0.35,
  },
  berries: {
    ...recipeFor(9002),
    ...common,
    width: 1600,
    height: 1200,
    kind: "berry",
    count: 96,
    diameter: 84,
    sizeSpread: 0.25,
    ground: [0.72, 0.68, 0.6],
    colours: [
      [0.05, 0.06, 0.16],
      [0.07, 0.06, 0.2],
    ],
    fall: 0.4,
    lightAngle: 0.6,
    shadow: 0.35,
    shadowReach: 0.12,
    touching: 0.4,
  },
  pots: {
    ...recipeFor(9003),
    ...common,
    width: 1200,
    height: 1600,
    kind: "pot",
    count: 24,
    diameter: 170,
    sizeSpread: 0.12,
    ground: [0.3, 0.33, 0.31],
    colours: [
      [0.6, 0.24, 0.12],
      [0.66, 0.3, 0.16],
    ],
    fall: 0.45,
    lightAngle: 2.2,
    shadow: 0.45,
    shadowReach: 0.1,
    touching: 0.25,
  },
};

/** Writes the pictures and `counts.json`, which says how many objects each shows. */
export async function writeSamples(folder: string): Promise<Record<string, number>> {
  await mkdir(folder, { recursive: true });
  const counts: Record<string, number> = {};
  for (const [name, recipe] of Object.entries(SAMPLES)) {
    const { file, truth } = await cook(recipe);
    await writeFile(path.join(folder, `${name}.jpg`), file);
    counts[`${name}.jpg`] = truth;
  }
  await writeFile(path.join(folder, "counts.json"), `${JSON.stringify(counts, null, 2)}\n`);
  return counts;
}

const [, program, folder] = process.argv;
if (folder !== undefined && program !== undefined && import.meta.url === pathToFileURL(program).href) await writeSamples(folder);
