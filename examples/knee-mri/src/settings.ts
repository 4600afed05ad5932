/**
 * What may be set from outside, read once: KNEE_STORAGE (a folder, relative to where the process was started, or `s3://…`),
 * KNEE_STORAGE_KEYS (`<id>:<base64>`, the first one writes), KNEE_MAX_VOXELS.
 */
import path from "node:path";
import { type JobStorage, openStorage } from "@lovage/http";

export interface KneeSettings {
  /** Uploads and outputs; shared by the job service and all workers. Encrypted where there are keys. */
  readonly storage: JobStorage;
  /** More than these are refused: they bound memory and time. Each takes some 150 bytes while it is worked on. */
  readonly maxVoxels: number;
}

export function readSettings(environment: NodeJS.ProcessEnv): KneeSettings {
  const { KNEE_STORAGE: place = ".lovage/knee-mri/jobs", KNEE_STORAGE_KEYS: encryption } = environment;
  const url = /^\w+:/.test(place) ? place : path.resolve(place);
  return {
    storage: openStorage(encryption === undefined ? url : { url, encryption }),
    maxVoxels: wholeNumber("KNEE_MAX_VOXELS", environment.KNEE_MAX_VOXELS ?? "24000000"),
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new RangeError(`${name} is "${text}": expected a whole number above 0.`);
}
