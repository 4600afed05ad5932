/** Synthetic voices: Debian's espeak-ng with its variants, each at a pitch and a speed of its own. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Random } from "./random.ts";
import { sentences } from "./sentences.ts";
import { readSound } from "./sound.ts";
import type { Speaker } from "./speaker.ts";

const run = promisify(execFile);

interface Voice {
  /** As espeak-ng names it: "en-us+f3". */
  readonly name: string;
  /** 0 to 99. */
  readonly pitch: number;
  /** Words per minute. */
  readonly speed: number;
}

/** Voices that settings were tuned with, and voices that only the held-out recordings have. */
export type VoicePool = "tuning" | "heldOut";

const variants: Readonly<Record<VoicePool, { readonly women: readonly string[]; readonly men: readonly string[] }>> = {
  tuning: { women: ["f1", "f2", "f3", "f4", "f5"], men: ["m1", "m2", "m3", "m4", "m5", "m6", "m7"] },
  heldOut: {
    women: ["Annie", "Alicia", "Andrea", "belinda", "linda", "steph", "anika"],
    men: ["Mario", "Michael", "Andy", "Alex", "john", "paul", "pablo", "norbert", "Lee", "edward"],
  },
};
/** A name such as fr-fr, which stands for another, would silently be spoken without its variant. */
const dialects: Readonly<Record<string, string>> = { en: "en-us", de: "de", fr: "fr", es: "es", it: "it" };

/** `count` different ones, men and women; half of the time they all speak one language. */
export function castVoices(random: Random, pool: VoicePool, count: number): readonly Speaker[] {
  const { women, men } = variants[pool];
  const shared = random.next() < 0.5 ? random.one(Object.keys(dialects)) : null;
  return random.some([...women, ...men], count).map((variant) => {
    const language = shared ?? random.one(Object.keys(dialects));
    const voice = {
      name: `${dialects[language]}+${variant}`,
      pitch: random.whole(...((women.includes(variant) ? [45, 75] : [25, 55]) as [number, number])),
      speed: random.whole(140, 185),
    };
    return { name: voice.name, say: async (chance) => speak(voice, chance.one(sentences[language]!)) };
  });
}

async function speak({ name, pitch, speed }: Voice, text: string): Promise<Float32Array> {
  const { stdout } = await run("espeak-ng", ["-v", name, "-p", String(pitch), "-s", String(speed), "--stdout", text], {
    encoding: "buffer",
    maxBuffer: 64 * 1024 * 1024,
  });
  return readSound(stdout);
}
