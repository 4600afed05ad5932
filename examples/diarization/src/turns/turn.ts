/** Who spoke from when to when, and the forms in which clients take it away. */

export interface Turn {
  /** Seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  readonly speaker: string;
}

export interface SpeakerShare {
  readonly speaker: string;
  readonly seconds: number;
  readonly turns: number;
  /** Of all speech, 0 to 1. */
  readonly share: number;
}

/** Speaking time of each, the one who speaks most first. */
export function shareOfSpeech(turns: readonly Turn[]): readonly SpeakerShare[] {
  const found = new Map<string, { seconds: number; turns: number }>();
  for (const { start, end, speaker } of turns) {
    const share = found.get(speaker) ?? { seconds: 0, turns: 0 };
    found.set(speaker, { seconds: share.seconds + end - start, turns: share.turns + 1 });
  }
  const all = [...found.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  return [...found]
    .map(([speaker, { seconds, turns: count }]) => ({ speaker, seconds: rounded(seconds), turns: count, share: rounded(seconds / all) }))
    .sort((a, b) => b.seconds - a.seconds);
}

export const rounded = (value: number): number => Math.round(value * 1000) / 1000;

export function toCsv(turns: readonly Turn[]): string {
  const rows = turns.map(({ start, end, speaker }) => `${start.toFixed(2)},${end.toFixed(2)},${speaker}`);
  return `${["start,end,speaker", ...rows].join("\n")}\n`;
}

/** NIST's rich transcription time marks: what tools that score diarizations read. */
export function toRttm(turns: readonly Turn[], recording: string): string {
  const name = recording.replace(/\s+/g, "_") || "recording";
  return turns
    .map(({ start, end, speaker }) => `SPEAKER ${name} 1 ${start.toFixed(3)} ${(end - start).toFixed(3)} <NA> <NA> ${speaker} <NA> <NA>\n`)
    .join("");
}

/** @throws {SyntaxError} for a line that is none of RTTM. */
export function fromRttm(text: string): readonly Turn[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("SPEAKER "))
    .map((line) => {
      const fields = line.split(/\s+/);
      const [start, duration] = [Number(fields[3]), Number(fields[4])];
      const speaker = fields[7];
      if (!Number.isFinite(start) || !Number.isFinite(duration) || speaker === undefined)
        throw new SyntaxError(`This is no RTTM line: ${line}`);
      return { start, end: start + duration, speaker };
    });
}
