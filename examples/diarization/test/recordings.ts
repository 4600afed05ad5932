/** Recordings for tests, made once per run of the tests and seed, with the turns as they truly are. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { writeWav } from "../src/audio/wav.ts";
import { type ConversationOptions, makeConversation, type RecordingForm, writeRecording } from "../src/speech/conversation.ts";
import type { Turn } from "../src/turns/turn.ts";

/** Espeak-ng, lame and oggenc are not there: scripts/services.mjs says so. */
export const withoutSpeech = process.env.LOVAGE_SKIP_SPEECH !== undefined;
export const contentTypes: Readonly<Record<RecordingForm, string>> = { wav: "audio/wav", mp3: "audio/mpeg", ogg: "audio/ogg" };

export interface Recording {
  readonly name: string;
  readonly file: Buffer;
  readonly turns: readonly Turn[];
  readonly speakers: number;
}

export async function recordings(options: ConversationOptions, forms: readonly RecordingForm[]): Promise<readonly Recording[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "recordings-"));
  try {
    const { samples, turns, speakers } = await makeConversation(options);
    const made = forms.map(async (form) => {
      const file = await readFile(await writeRecording(samples, path.join(folder, form), form));
      return { name: `talk ${options.seed}.${form}`, file, turns, speakers };
    });
    return await Promise.all(made);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Nobody speaks; a little noise. */
export function silence(seconds: number, rate = 8000): Buffer {
  const samples = Float32Array.from({ length: seconds * rate }, (_, i) => 0.001 * Math.sin(i * i));
  return writeWav(samples, rate);
}
