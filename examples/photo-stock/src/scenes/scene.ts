/** Makes pictures of scenes with known counts. The same seed gives the same picture. */
import sharp from "sharp";
import { layOut, type Placed } from "./layout.ts";
import { seeded } from "./random.ts";
import { type Recipe, type RecipeLimits, recipeFor } from "./recipe.ts";
import { paint } from "./render.ts";

export interface Scene {
  readonly recipe: Recipe;
  /** How many objects there are to count; fewer than the recipe asked for if they did not fit. */
  readonly truth: number;
  readonly objects: readonly Placed[];
  /** The picture file's bytes, JPEG or PNG as the recipe says. */
  readonly file: Buffer;
}

export function makeScene(seed: number, limits?: RecipeLimits): Promise<Scene> {
  return cook(recipeFor(seed, limits));
}

/** A scene from a recipe of one's own. */
export async function cook(recipe: Recipe): Promise<Scene> {
  const objects = layOut(recipe, seeded(recipe.seed ^ 0x1b873593));
  const { width, height, data } = paint(recipe, objects);
  let image = sharp(data, { raw: { width, height, channels: 3 } });
  if (recipe.grey) image = image.toColourspace("b-w");
  const file = await (recipe.file === "jpeg" ? image.jpeg({ quality: recipe.quality }) : image.png({ compressionLevel: 3 })).toBuffer();
  return { recipe, truth: objects.length, objects, file };
}
