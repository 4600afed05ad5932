import { describe, expect, it } from "vitest";
import { Random } from "../speech/random.ts";
import { pitchOf } from "./pitch.ts";

const rate = 4000;
/** A voice's harmonics, weaker and weaker. */
const voiced = (hertz: number) =>
  Float32Array.from({ length: 200 }, (_, i) =>
    [1, 2, 3, 4, 5].reduce((sum, k) => sum + Math.cos((2 * Math.PI * k * hertz * i) / rate + k) / k, 0),
  );

describe("pitch", () => {
  it.each([80, 100, 137, 220, 310])("of a voice at %i Hz is heard within two percent", (hertz) => {
    const found = pitchOf(voiced(hertz), rate);
    expect(Math.abs(found / hertz - 1)).toBeLessThan(0.02);
  });

  it("is not heard in noise, nor in silence", () => {
    const random = new Random(1);
    const heard = Array.from({ length: 50 }, () =>
      pitchOf(
        Float32Array.from({ length: 200 }, () => random.normal()),
        rate,
      ),
    );
    expect(heard.filter((hertz) => hertz > 0).length).toBeLessThanOrEqual(2);
    expect(pitchOf(new Float32Array(200), rate)).toBe(0);
  });
});
