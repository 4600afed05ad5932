import { expect, it } from "vitest";
import { readSettings } from "./settings.ts";

it("a bound on voxels that is no number is refused, and not taken for none", () => {
  expect(readSettings({}).maxVoxels).toBe(24_000_000);
  expect(readSettings({ KNEE_MAX_VOXELS: "5000" }).maxVoxels).toBe(5000);
  for (const wrong of ["24M", "", "-1", "0"])
    expect(() => readSettings({ KNEE_MAX_VOXELS: wrong })).toThrow(`KNEE_MAX_VOXELS is "${wrong}": expected a whole number above 0.`);
});
