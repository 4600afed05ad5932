import { describe, expect, it } from "vitest";
import { cepstra, type Features } from "../features/features.ts";
import { Random } from "../speech/random.ts";
import { diarize } from "./diarize.ts";

/** Speakers as clouds of cepstra: who speaks in each second, "." for nobody. No audio: this is about telling clouds apart. */
function clouds(script: string, seed = 1): Features {
  const random = new Random(seed);
  const names = [...new Set(script.replaceAll(".", ""))].sort();
  const centres = names.map(() => Array.from({ length: cepstra }, () => 2 * random.normal()));
  const pitches = names.map((_, i) => 100 + 60 * i);
  const frames = script.length * 100;
  const features = {
    frames,
    loudness: new Float32Array(frames),
    cepstrum: new Float32Array(frames * cepstra),
    pitch: new Float32Array(frames),
  };
  for (let frame = 0; frame < frames; frame++) {
    const speaker = names.indexOf(script[Math.floor(frame / 100)]!);
    features.loudness[frame] = (speaker < 0 ? -5 : 3) + 0.1 * random.normal();
    features.pitch[frame] = speaker >= 0 && random.next() < 0.6 ? pitches[speaker]! * (1 + 0.05 * random.normal()) : 0;
    for (let k = 0; k < cepstra; k++) features.cepstrum[frame * cepstra + k] = (centres[speaker]?.[k] ?? 0) + 1.5 * random.normal();
  }
  return features;
}

const spoken = async (script: string) =>
  (await diarize(clouds(script))).map(({ start, end, speaker }) => `${speaker} ${Math.round(start)}-${Math.round(end)}`);

describe("telling speakers apart", () => {
  it("finds nobody, one, two and five", async () => {
    expect(await spoken("......")).toEqual([]);
    expect(await spoken(".aaaaaaa..aaaa.")).toEqual(["S1 1-8", "S1 10-14"]);
    expect(await spoken(".aaaabbbbb..aaaa.")).toEqual(["S1 1-5", "S2 5-10", "S1 12-16"]);
    const five = await diarize(clouds("aaaa.bbbb.cccc.dddd.eeee.aaaa.cccc.bbbb.eeee.dddd.aaaa"));
    expect(five.map(({ speaker }) => speaker).join(" ")).toBe("S1 S2 S3 S4 S5 S1 S3 S2 S5 S4 S1");
  });

  it("says how far it is, and never goes back", async () => {
    const seen: number[] = [];
    await diarize(clouds("aaaa.bbbb.aaaa"), { onProgress: (fraction) => seen.push(fraction) });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  it("stops in the middle of clustering when it is told to, and lets others have a turn meanwhile", async () => {
    const features = clouds("aa.bb.cc.dd.".repeat(30));
    const stop = new AbortController();
    let turnsOfOthers = 0;
    const others = setInterval(() => {
      turnsOfOthers += 1;
    }, 1);
    const steps: string[] = [];
    const work = diarize(features, {
      signal: stop.signal,
      onProgress: (fraction, step) => {
        steps.push(step);
        if (step === "telling speakers apart" && fraction > 0.31) stop.abort(new Error("no longer wanted"));
      },
    });
    await expect(work).rejects.toThrow("no longer wanted");
    clearInterval(others);
    expect(steps.at(-1)).toBe("telling speakers apart");
    expect(turnsOfOthers).toBeGreaterThan(3);
  });
});
