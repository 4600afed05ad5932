import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { countObjects } from "../vision/count.ts";
import { SAMPLES } from "./samples.ts";
import { cook } from "./scene.ts";

const folder = fileURLToPath(new URL("../../samples/", import.meta.url));
const counts: Record<string, number> = JSON.parse(await readFile(path.join(folder, "counts.json"), "utf8"));

describe("the sample pictures", () => {
  it.each(Object.entries(counts))("%s shows %i objects, and so many are counted", async (name, truth) => {
    const { total } = await countObjects(path.join(folder, name));
    expect(total).toBe(truth);
  });

  it("are what the generator makes", async () => {
    const { truth } = await cook(SAMPLES.pots as (typeof SAMPLES)[string]);
    expect(truth).toBe(counts["pots.jpg"]);
    expect(
      Object.keys(SAMPLES)
        .map((name) => `${name}.jpg`)
        .sort(),
    ).toEqual(Object.keys(counts).sort());
  });
});
