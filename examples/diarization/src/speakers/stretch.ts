/**
 * What is known of the voice in a stretch of speech, and how much two stretches differ: the Bayesian information criterion, once
 * over the cepstrum (the shape of the throat and mouth) and once over pitch. Above zero: rather two speakers than one.
 */
import { cepstra, type Features } from "../features/features.ts";
import { Gaussian, logDeterminant } from "./gaussian.ts";
import type { Region } from "./speech.ts";

export interface VoiceTuning {
  /** Weight of BIC's penalty. Frames are not independent, so it is above the textbook's 1. */
  readonly penalty: number;
  /** Short stretches are drawn towards the whole recording, as if they had so many frames of it more. */
  readonly priorFrames: number;
  /** Pitch of neighbouring frames is nearly the same: so much of each counts. */
  readonly pitchWeight: number;
  /**
   * What sets two stretches of one speaker apart (what they say, the room) grows with their length, the penalty hardly does. So two
   * long ones are compared as if the shorter had no more frames than this.
   */
  readonly mostFrames: number;
  readonly pitchPenalty: number;
}

/** Half a semitone: nobody holds their pitch better. */
const leastPitchVariance = 0.03 ** 2;

const momentFrames = 150;

export interface Stretch {
  readonly cepstrum: Gaussian;
  /** Of the logarithm of pitch, over voiced frames. */
  readonly pitch: Gaussian;
  /** n · log |Σ|: twice the negative log-likelihood but for constants. */
  readonly cost: number;
}

export class VoiceModel {
  readonly #features: Features;
  readonly #tuning: VoiceTuning;
  readonly #logPitch: Float32Array;
  readonly #prior: Float64Array;

  /** @param speech where anybody speaks */
  constructor(features: Features, speech: readonly Region[], tuning: VoiceTuning) {
    this.#features = features;
    this.#tuning = tuning;
    this.#logPitch = features.pitch.map((hertz) => (hertz > 0 ? Math.log(hertz) : 0));
    this.#prior = this.#withinMoments(speech);
  }

  /** How cepstra vary within a moment, in which hardly ever two speak: what a stretch that is too short would show if it were longer. */
  #withinMoments(speech: readonly Region[]): Float64Array {
    const prior = new Float64Array((cepstra * (cepstra + 1)) / 2);
    let count = 0;
    for (const { from, to } of speech) {
      for (let at = from; at < to; at += momentFrames) {
        const moment = new Gaussian(cepstra);
        for (let frame = at; frame < Math.min(to, at + momentFrames); frame++) moment.add(this.#features.cepstrum, frame);
        const covariance = moment.covariance(null, 0);
        for (let k = 0; k < prior.length; k++) prior[k]! += moment.count * covariance[k]!;
        count += moment.count;
      }
    }
    return prior.map((sum) => sum / count);
  }

  stretch(frames: Iterable<number>): Stretch {
    const cepstrum = new Gaussian(cepstra);
    const pitch = new Gaussian(1);
    for (const frame of frames) {
      cepstrum.add(this.#features.cepstrum, frame);
      if (this.#features.pitch[frame]! > 0) pitch.add(this.#logPitch, frame);
    }
    return { cepstrum, pitch, cost: this.#cost(cepstrum) };
  }

  join(a: Stretch, b: Stretch): Stretch {
    return this.joinAll([a, b]);
  }

  joinAll(stretches: readonly Stretch[]): Stretch {
    const cepstrum = Gaussian.sumOf(stretches.map((stretch) => stretch.cepstrum));
    return { cepstrum, pitch: Gaussian.sumOf(stretches.map(({ pitch }) => pitch)), cost: this.#cost(cepstrum) };
  }

  /** ΔBIC of two speakers over one. */
  difference(a: Stretch, b: Stretch): number {
    const both = this.join(a, b);
    const parameters = cepstra + (cepstra * (cepstra + 1)) / 2;
    const scale = Math.min(1, this.#tuning.mostFrames / Math.min(a.cepstrum.count, b.cepstrum.count));
    const shape = 0.5 * (both.cost - a.cost - b.cost);
    const penalty = this.#tuning.penalty * 0.5 * parameters * Math.log(scale * both.cepstrum.count);
    return scale * (shape + this.#pitchDifference(a.pitch, b.pitch, both.pitch)) - penalty;
  }

  #pitchDifference(a: Gaussian, b: Gaussian, both: Gaussian): number {
    if (a.count < 5 || b.count < 5) return 0;
    const cost = (of: Gaussian) => of.count * Math.log(leastPitchVariance + of.covariance(null, 0)[0]!);
    const { pitchWeight, pitchPenalty } = this.#tuning;
    return 0.5 * pitchWeight * (cost(both) - cost(a) - cost(b)) - pitchPenalty * Math.log(both.count);
  }

  #cost(of: Gaussian): number {
    return of.count * logDeterminant(of.covariance(this.#prior, this.#tuning.priorFrames), cepstra);
  }
}
