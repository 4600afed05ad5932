/** Real voices: a folder for each speaker, with WAV files of what they say. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { Random } from "./random.ts";
import { readSound, voiceRate } from "./sound.ts";
import type { Speaker } from "./speaker.ts";

/** Single words tell little of a voice, and long announcements are no turns. */
const shortestSeconds = 1.5;
const longestSeconds = 8;

/** Everybody in the folder. What one says is never said twice in a conversation while there is something else. */
export async function recordedSpeakers(folder: string): Promise<readonly Speaker[]> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(names.sort().map((name) => recordedSpeaker(path.join(folder, name))));
}

async function recordedSpeaker(folder: string): Promise<Speaker> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".wav")).sort();
  const unsaid: string[] = [];
  const say = async (random: Random): Promise<Float32Array> => {
    for (let tries = 0; tries <= 2 * files.length; tries++) {
      if (unsaid.length === 0) unsaid.push(...files);
      const [name] = unsaid.splice(random.whole(0, unsaid.length - 1), 1);
      if (name === undefined) break;
      const sound = await readSound(await readFile(path.join(folder, name)));
      const seconds = sound.length / voiceRate;
      if (seconds >= shortestSeconds && seconds <= longestSeconds) return sound;
    }
    throw new Error(`No WAV file in ${folder} lasts ${shortestSeconds} to ${longestSeconds} s.`);
  };
  return { name: path.basename(folder), say };
}
