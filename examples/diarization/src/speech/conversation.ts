/** Conversations made of single voices, with pauses, interruptions and noise, and the turns as they truly are. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { writeWav } from "../audio/wav.ts";
import type { Turn } from "../turns/turn.ts";
import { Random } from "./random.ts";
import { recordedSpeakers } from "./recorded-voices.ts";
import { soundingSpans, voiceRate } from "./sound.ts";
import type { Speaker } from "./speaker.ts";
import { castVoices, type VoicePool } from "./voices.ts";

const run = promisify(execFile);

export interface ConversationOptions {
  readonly seed: number;
  /** Synthetic voices, or the folder of recorded ones. */
  readonly pool: VoicePool | { readonly folder: string };
  /** @defaultValue 1 to 4, by the seed */
  readonly speakers?: number;
  /** About so long. @defaultValue 60 */
  readonly seconds?: number;
}

export interface Conversation {
  readonly samples: Float32Array;
  readonly turns: readonly Turn[];
  readonly speakers: number;
}

/** Pauses shorter than this are within a turn. */
const pauseSeconds = 0.3;

export async function makeConversation({ seed, pool, seconds = 60, ...options }: ConversationOptions): Promise<Conversation> {
  const random = new Random(seed);
  const count = options.speakers ?? random.whole(1, 4);
  const voices = typeof pool === "string" ? castVoices(random, pool, count) : random.some(await recordedSpeakers(pool.folder), count);
  const gains = voices.map(() => random.between(0.4, 1));
  const samples = new Float32Array(Math.ceil((seconds + 30) * voiceRate));
  const turns: Turn[] = [];
  let at = random.between(0.2, 2);
  let speaker = 0;
  while (at < seconds) {
    const said = await sayTurn(random, voices[speaker]!, samples, at, gains[speaker]!);
    turns.push(...said);
    const spoken = said.at(-1)!.end;
    const next = voices.length === 1 ? 0 : (speaker + random.whole(1, voices.length - 1)) % voices.length;
    at = spoken + gapAfter(random, next === speaker);
    speaker = next;
  }
  const whole = samples.subarray(0, Math.ceil((Math.max(...turns.map(({ end }) => end)) + random.between(0.2, 2)) * voiceRate));
  addNoise(random, whole);
  return { samples: whole, turns: joined(turns), speakers: new Set(turns.map((turn) => turn.speaker)).size };
}

async function sayTurn(random: Random, speaker: Speaker, samples: Float32Array, from: number, gain: number): Promise<readonly Turn[]> {
  const turns: Turn[] = [];
  let at = from;
  for (let left = random.one([1, 1, 2, 2, 3]); left > 0; left--) {
    const sound = await speaker.say(random);
    const start = Math.round(at * voiceRate);
    for (let i = 0; i < sound.length && start + i < samples.length; i++) samples[start + i]! += gain * 0.7 * sound[i]!;
    for (const span of soundingSpans(sound, pauseSeconds)) turns.push({ start: at + span.from, end: at + span.to, speaker: speaker.name });
    at += sound.length / voiceRate + (left > 1 ? random.between(0.05, 0.25) : 0);
  }
  return turns;
}

/** Seconds to the next turn; negative: it interrupts. */
function gapAfter(random: Random, sameSpeaker: boolean): number {
  const kind = random.next();
  if (sameSpeaker) return random.between(0.4, 2);
  if (kind < 0.1) return -random.between(0.2, 0.8);
  if (kind < 0.3) return random.between(0, 0.2);
  if (kind < 0.9) return random.between(0.3, 1.2);
  return random.between(2, 4);
}

/** White and rumbling noise, 15 to 40 dB below the voices. */
function addNoise(random: Random, samples: Float32Array): void {
  const level = 0.1 * 10 ** (-random.between(15, 40) / 20);
  const rumble = random.next();
  let low = 0;
  for (let i = 0; i < samples.length; i++) {
    low = 0.95 * low + 0.31 * random.normal();
    samples[i] = Math.max(-1, Math.min(1, samples[i]! + level * (rumble * low + (1 - rumble) * random.normal())));
  }
}

function joined(turns: readonly Turn[]): readonly Turn[] {
  const result: Turn[] = [];
  for (const turn of turns) {
    const last = result.at(-1);
    if (last?.speaker === turn.speaker && turn.start - last.end < pauseSeconds) result[result.length - 1] = { ...last, end: turn.end };
    else result.push(turn);
  }
  return result;
}

export type RecordingForm = "wav" | "mp3" | "ogg";

/** Writes `<path>.wav`, and beside it the form asked for, by lame or oggenc. @returns the file's path */
export async function writeRecording(samples: Float32Array, path: string, form: RecordingForm): Promise<string> {
  const wav = `${path}.wav`;
  await writeFile(wav, writeWav(samples, voiceRate));
  if (form === "mp3") await run("lame", ["--quiet", "-b", "64", wav, `${path}.mp3`]);
  if (form === "ogg") await run("oggenc", ["--quiet", "-q", "3", "-o", `${path}.ogg`, wav]);
  return `${path}.${form}`;
}
