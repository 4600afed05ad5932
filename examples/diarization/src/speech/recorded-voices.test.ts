import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { writeWav } from "../audio/wav.ts";
import { Random } from "./random.ts";
import { recordedSpeakers } from "./recorded-voices.ts";

it("a speaker whose recordings are all too short says so, and does not look for ever", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "voices-"));
  try {
    for (const name of ["nobody", "short"]) await mkdir(path.join(folder, name));
    await writeFile(path.join(folder, "short", "a.wav"), writeWav(new Float32Array(4000).fill(0.5), 8000));
    for (const speaker of await recordedSpeakers(folder))
      await expect(speaker.say(new Random(1))).rejects.toThrow(/No WAV file in .* lasts 1\.5 to 8 s/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
