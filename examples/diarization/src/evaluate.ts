/**
 * `node dist/evaluate.js [--seeds 100-119] [--pool heldOut] [--form mp3] [--seconds 60]
 * [--speakers 2] [--folder voices]`: makes conversations of synthetic voices, or of those in a folder (`voices/<speaker>/*.wav`),
 * tells the speakers apart, and prints how much of it was right. Needs Debian's espeak-ng, lame and vorbis-tools.
 */
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { readFeatures } from "./features/read-features.ts";
import { errorRate } from "./score/error-rate.ts";
import { diarize } from "./speakers/diarize.ts";
import { makeConversation, type RecordingForm, writeRecording } from "./speech/conversation.ts";
import type { VoicePool } from "./speech/voices.ts";

const types: Readonly<Record<RecordingForm, string>> = { wav: "audio/wav", mp3: "audio/mpeg", ogg: "audio/ogg" };

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100-119" },
    pool: { type: "string", default: "heldOut" },
    folder: { type: "string" },
    form: { type: "string", default: "wav" },
    seconds: { type: "string", default: "60" },
    speakers: { type: "string" },
  },
});
const [first = 0, last = first] = values.seeds.split("-").map(Number);
const form = values.form as RecordingForm;
const folder = await mkdtemp(path.join(os.tmpdir(), "diarization-"));
const sum = { spoken: 0, missed: 0, falseAlarm: 0, confusion: 0, right: 0, audio: 0, work: 0 };
try {
  for (let seed = first; seed <= last; seed++) {
    const made = await makeConversation({
      seed,
      pool: values.folder === undefined ? (values.pool as VoicePool) : { folder: values.folder },
      seconds: Number(values.seconds),
      ...(values.speakers !== undefined && { speakers: Number(values.speakers) }),
    });
    const file = await writeRecording(made.samples, path.join(folder, String(seed)), form);
    const started = performance.now();
    const features = await readFeatures(createReadStream(file), { type: types[form], maxSeconds: 86_400 });
    const turns = await diarize(features);
    const seconds = (performance.now() - started) / 1000;
    const scored = errorRate(made.turns, turns);
    const found = new Set(turns.map(({ speaker }) => speaker)).size;
    console.log(
      `seed ${seed}: ${made.speakers} speakers, ${found} found, error ${percent(scored.rate)} ` +
        `(missed ${percent(scored.missed / scored.spoken)}, false alarm ${percent(scored.falseAlarm / scored.spoken)}, ` +
        `confused ${percent(scored.confusion / scored.spoken)}), ${Math.round(features.frames / 100 / seconds)} × real time`,
    );
    for (const key of ["spoken", "missed", "falseAlarm", "confusion"] as const) sum[key] += scored[key];
    sum.right += found === made.speakers ? 1 : 0;
    sum.audio += features.frames / 100;
    sum.work += seconds;
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log(
  `All: error ${percent((sum.missed + sum.falseAlarm + sum.confusion) / sum.spoken)} (missed ${percent(sum.missed / sum.spoken)}, ` +
    `false alarm ${percent(sum.falseAlarm / sum.spoken)}, confused ${percent(sum.confusion / sum.spoken)}), number of speakers right in ` +
    `${sum.right} of ${last - first + 1}, ${Math.round(sum.audio / sum.work)} × real time`,
);

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
