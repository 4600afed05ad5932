/** Who speaks when: speech is found, cut where the voice changes, put together by voice, and the boundaries drawn anew. */
import { type Features, framesPerSecond } from "../features/features.ts";
import type { Turn } from "../turns/turn.ts";
import { Breath } from "./breath.ts";
import { type ChangeTuning, cutAtChanges, span } from "./changes.ts";
import { type Cluster, clusterStretches } from "./cluster.ts";
import { type PathTuning, resegment } from "./resegment.ts";
import { findSpeech, type Region } from "./speech.ts";
import { VoiceModel, type VoiceTuning } from "./stretch.ts";

export interface Tuning {
  readonly voice: VoiceTuning;
  readonly change: ChangeTuning;
  readonly path: PathTuning;
  /** How often boundaries and models take turns. */
  readonly rounds: number;
  /** A speaker with fewer seconds in all is none. */
  readonly leastSeconds: number;
}

export const defaultTuning: Tuning = {
  voice: { penalty: 1.6, priorFrames: 120, pitchWeight: 0.5, mostFrames: 2000, pitchPenalty: 1 },
  change: { window: 150, threshold: -600 },
  path: { components: 8, changeCost: 120, changeCostInPause: 40, pitchWeight: 1 },
  rounds: 2,
  leastSeconds: 1,
};

export interface DiarizeOptions {
  readonly signal?: AbortSignal;
  readonly tuning?: Tuning;
  /** 0 to 1, and what is being done. */
  readonly onProgress?: (fraction: number, step: string) => void;
}

/** @returns turns in order of time, speakers named S1, S2 … as they first speak; none where nobody does. */
export async function diarize(features: Features, options: DiarizeOptions = {}): Promise<readonly Turn[]> {
  const { tuning = defaultTuning, onProgress = () => undefined } = options;
  const breath = new Breath(options.signal);
  onProgress(0, "finding speech");
  const regions = findSpeech(features);
  if (regions.length === 0) return [];
  const voices = new VoiceModel(features, regions, tuning.voice);
  onProgress(0.1, "finding changes of speaker");
  const pieces = await cutAtChanges(regions, voices, tuning.change, breath);
  onProgress(0.3, "telling speakers apart");
  const stretches = pieces.map(({ from, to }) => voices.stretch(span(from, to)));
  let merged = 0;
  const onMerged = () => onProgress(0.3 + (0.4 * ++merged) / pieces.length, "telling speakers apart");
  const clusters = await clusterStretches(stretches, voices, { breath, onMerged });
  onProgress(0.7, "drawing boundaries");
  let speakers = speakersOf(clusters, pieces);
  for (let round = 0; round < tuning.rounds; round++) {
    speakers = await resegment(features, regions, speakers, tuning.path, breath);
    speakers = await reconsider(regions, speakers, voices, tuning, breath);
    onProgress(0.7 + (0.3 * (round + 1)) / tuning.rounds, "drawing boundaries");
  }
  return turnsOf(regions, speakers);
}

/** With more of each at hand, two may turn out to be one; and whoever says next to nothing is taken for noise of the others. */
async function reconsider(
  regions: readonly Region[],
  speakers: Int16Array,
  voices: VoiceModel,
  tuning: Tuning,
  breath: Breath,
): Promise<Int16Array> {
  const frames = [...framesOf(regions)];
  const present = [...new Set(speakers)].sort((a, b) => a - b);
  const secondsOf = (speaker: number) => speakers.reduce((sum, each) => sum + (each === speaker ? 1 : 0), 0) / framesPerSecond;
  const kept = present.filter((speaker) => secondsOf(speaker) >= tuning.leastSeconds);
  if (kept.length === 0) return speakers.map(() => 0);
  const stretches = kept.map((speaker) => voices.stretch(frames.filter((_, i) => speakers[i] === speaker)));
  const clusters = await clusterStretches(stretches, voices, { breath });
  const renamed = new Map(clusters.flatMap(({ members }, name) => members.map((member) => [kept[member]!, name] as const)));
  let last = 0;
  return speakers.map((speaker) => {
    last = renamed.get(speaker) ?? last;
    return last;
  });
}

function* framesOf(regions: readonly Region[]): Generator<number> {
  for (const { from, to } of regions) yield* span(from, to);
}

function speakersOf(clusters: readonly Cluster[], pieces: readonly Region[]): Int16Array {
  const named = new Int16Array(pieces.length);
  for (const [speaker, { members }] of clusters.entries()) for (const member of members) named[member] = speaker;
  return Int16Array.from(pieces.flatMap(({ from, to }, i) => Array<number>(to - from).fill(named[i]!)));
}

/** Regions that follow each other within the length of a pause were one region: only true pauses part turns of one speaker. */
function turnsOf(regions: readonly Region[], speakers: Int16Array): readonly Turn[] {
  const names = new Map<number, string>();
  const turns: Turn[] = [];
  let i = 0;
  for (const { from, to } of regions) {
    for (let start = from; start < to; ) {
      const speaker = speakers[i]!;
      let end = start;
      while (end < to && speakers[i] === speaker) {
        end += 1;
        i += 1;
      }
      if (!names.has(speaker)) names.set(speaker, `S${names.size + 1}`);
      turns.push({ start: start / framesPerSecond, end: end / framesPerSecond, speaker: names.get(speaker)! });
      start = end;
    }
  }
  return turns;
}
