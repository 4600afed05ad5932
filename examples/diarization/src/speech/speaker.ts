/** Somebody who can be made to say something. */
import type { Random } from "./random.ts";

export interface Speaker {
  readonly name: string;
  /** At `voiceRate`, without silence at its ends. */
  say(random: Random): Promise<Float32Array>;
}
