/** `node dist/listen.js talk.mp3`: the turns of a recording as RTTM, without any queue; and how fast that went, and in how much memory. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import path from "node:path";
import { sniff, sniffBytes } from "@lovage/http";
import { framesPerSecond } from "./features/features.ts";
import { readFeatures } from "./features/read-features.ts";
import { diarize } from "./speakers/diarize.ts";
import { toRttm } from "./turns/turn.ts";

const file = process.argv[2];
if (file === undefined) throw new Error("Which recording? node dist/listen.js talk.mp3");
const handle = await open(file);
const { buffer, bytesRead } = await handle.read(Buffer.alloc(sniffBytes), 0, sniffBytes, 0);
await handle.close();

const started = performance.now();
const features = await readFeatures(createReadStream(file), { type: sniff(buffer.subarray(0, bytesRead)).type, maxSeconds: 86_400 });
const heard = performance.now();
const turns = await diarize(features);
const ended = performance.now();

process.stdout.write(toRttm(turns, path.parse(file).name));
const seconds = features.frames / framesPerSecond;
const times = (ms: number) => `${Math.round((1000 * seconds) / ms)} ×`;
process.stderr.write(
  `${Math.round(seconds)} s of sound in ${((ended - started) / 1000).toFixed(1)} s: ${times(ended - started)} real time ` +
    `(listening ${times(heard - started)}, telling apart ${times(ended - heard)}), ` +
    `${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most\n`,
);
