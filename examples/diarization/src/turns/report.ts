/** What a client takes away: `turns.json`, `turns.csv`, `turns.rttm`. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { rounded, type SpeakerShare, shareOfSpeech, type Turn, toCsv, toRttm } from "./turn.ts";

export interface Summary {
  readonly recording: string;
  /** Of the recording. */
  readonly seconds: number;
  /** Of speech: what the speakers' seconds add up to. */
  readonly spokenSeconds: number;
  readonly speakers: readonly SpeakerShare[];
}

export function summarize(recording: string, seconds: number, turns: readonly Turn[]): Summary {
  const speakers = shareOfSpeech(turns);
  return { recording, seconds: rounded(seconds), spokenSeconds: rounded(speakers.reduce((sum, each) => sum + each.seconds, 0)), speakers };
}

export async function writeTurns(folder: string, summary: Summary, turns: readonly Turn[]): Promise<void> {
  await writeFile(path.join(folder, "turns.json"), `${JSON.stringify({ ...summary, turns }, null, 2)}\n`);
  await writeFile(path.join(folder, "turns.csv"), toCsv(turns));
  await writeFile(path.join(folder, "turns.rttm"), toRttm(turns, path.parse(summary.recording).name));
}
