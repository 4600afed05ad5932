/** What may be set from outside, read once. Folders are relative to where the process was started. */
import path from "node:path";

export interface DiarizationSettings {
  /** Uploads and outputs; shared by the job service and all workers. */
  readonly storage: string;
  /**
   * Where job records and progress are. On Redis it is a file beside the storage, not the broker: so that uploads are taken in while
   * Redis is away. With workers on other machines name a server here that all of them reach.
   */
  readonly state: string | undefined;
  /** Where what is uploaded while the broker is away waits for it. */
  readonly spool: string;
  readonly maxMinutes: number;
  /** Delay before the first retry: 60 s, then twice and four times that. */
  readonly firstRetry: string;
}

export function readSettings(environment: NodeJS.ProcessEnv): DiarizationSettings {
  const storage = path.resolve(environment.DIARIZATION_STORAGE ?? ".lovage/diarization/jobs");
  const beside = (file: string) => `sqlite:${path.join(path.dirname(storage), file)}`;
  return {
    storage,
    state: environment.LOVAGE_STATE ?? (environment.REDIS_URL === undefined ? undefined : beside("state.db")),
    spool: beside("spool.db"),
    maxMinutes: minutes(environment.DIARIZATION_MAX_MINUTES ?? "120"),
    firstRetry: environment.DIARIZATION_FIRST_RETRY ?? "60s",
  };
}

function minutes(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 24 * 60) return value;
  throw new RangeError(`DIARIZATION_MAX_MINUTES is "${text}": expected a number above 0 and at most 1440.`);
}
