import { describe, expect, it } from "vitest";
import { cepstra, type Features } from "../features/features.ts";
import { Random } from "../speech/random.ts";
import { Breath } from "./breath.ts";
import { resegment } from "./resegment.ts";

const tuning = { components: 1, changeCost: 120, changeCostInPause: 40, pitchWeight: 1 };

/** Two voices, each around a point of its own. */
function twoVoices(frames: number, speakerAt: (frame: number) => 0 | 1): Features {
  const random = new Random(3);
  const cepstrum = new Float32Array(frames * cepstra);
  for (let i = 0; i < cepstrum.length; i++) cepstrum[i] = (speakerAt(Math.floor(i / cepstra)) === 0 ? 1 : -1) + random.between(-2, 2);
  return { frames, cepstrum, loudness: new Float32Array(frames), pitch: new Float32Array(frames) };
}

describe("drawing boundaries", () => {
  it("moves one that is a second off to where the voice changes", async () => {
    const features = twoVoices(1000, (frame) => (frame < 500 ? 0 : 1));
    const given = Int16Array.from({ length: 1000 }, (_, frame) => (frame < 600 ? 0 : 1));
    const drawn = await resegment(features, [{ from: 0, to: 1000 }], given, tuning, new Breath());
    expect(Math.abs(drawn.indexOf(1) - 500)).toBeLessThan(10);
    expect(drawn.lastIndexOf(0)).toBe(drawn.indexOf(1) - 1);
  });

  it("does not change its mind for a syllable", async () => {
    const features = twoVoices(1000, (frame) => (frame >= 500 && frame < 505 ? 1 : frame < 800 ? 0 : 1));
    const given = Int16Array.from({ length: 1000 }, (_, frame) => (frame < 800 ? 0 : 1));
    const drawn = await resegment(features, [{ from: 0, to: 1000 }], given, tuning, new Breath());
    expect(Math.abs(drawn.indexOf(1) - 800)).toBeLessThan(10);
  });

  it("takes half an hour of speech at once", async () => {
    const frames = 180_000;
    const half = (frame: number) => (frame < frames / 2 ? 0 : 1);
    const given = Int16Array.from({ length: frames }, (_, frame) => half(frame));
    const drawn = await resegment(twoVoices(frames, half), [{ from: 0, to: frames }], given, tuning, new Breath());
    expect(Math.abs(drawn.indexOf(1) - frames / 2)).toBeLessThan(10);
  });
});
