/**
 * What is kept of a recording: for every 10 ms its loudness, its cepstrum and its pitch. The sound itself is let go at once;
 * half an hour takes 15 MB.
 */
import { Fft } from "./fft.ts";
import { cosineTransform, MelBank } from "./mel.ts";
import { pitchOf } from "./pitch.ts";

export const sampleRate = 16_000;
/** Frames begin every 10 ms. */
export const framesPerSecond = 100;
/** Cepstral coefficients 1 to 18. The zeroth is loudness, which says nothing of who speaks. */
export const cepstra = 18;

const frameLength = 400;
const hop = sampleRate / framesPerSecond;
const fftSize = 512;
const bands = 30;
const preEmphasis = 0.97;
/** Pitch is looked for at a quarter of the rate, in 50 ms. */
const pitchDecimation = 4;
const pitchLength = 800;
const silence = 1e-10;

export interface Features {
  readonly frames: number;
  /** Per frame: natural logarithm of its power between 200 and 4000 Hz. */
  readonly loudness: Float32Array;
  /** Frame after frame, `cepstra` numbers each. */
  readonly cepstrum: Float32Array;
  /** Per frame: hertz; 0 where there is none. */
  readonly pitch: Float32Array;
}

export class FeatureExtractor {
  readonly #fft = new Fft(fftSize);
  readonly #bank = new MelBank({ bands, sampleRate, fftSize, lowHertz: 60, highHertz: 7600 });
  readonly #cosines = cosineTransform(bands, cepstra + 1);
  readonly #window = Float32Array.from({ length: frameLength }, (_, i) => 0.54 - 0.46 * Math.cos((2 * Math.PI * i) / (frameLength - 1)));
  readonly #power = new Float64Array(fftSize / 2 + 1);
  readonly #energies = new Float64Array(bands);
  readonly #frame = new Float32Array(frameLength);
  readonly #slow = new Float32Array(pitchLength / pitchDecimation);
  readonly #loudness = new Growing();
  readonly #cepstrum = new Growing();
  readonly #pitch = new Growing();
  #held = new Float32Array(0);

  /** Seconds of sound that went in, to the last whole frame. */
  get seconds(): number {
    return this.#loudness.length / framesPerSecond;
  }

  /** @param samples at 16 kHz */
  push(samples: Float32Array): void {
    const sound = new Float32Array(this.#held.length + samples.length);
    sound.set(this.#held);
    sound.set(samples, this.#held.length);
    let at = 0;
    for (; at + pitchLength <= sound.length; at += hop) this.#addFrame(sound, at);
    this.#held = sound.slice(at);
  }

  end(): Features {
    this.push(new Float32Array(pitchLength - hop));
    return {
      frames: this.#loudness.length,
      loudness: this.#loudness.whole(),
      cepstrum: this.#cepstrum.whole(),
      pitch: this.#pitch.whole(),
    };
  }

  #addFrame(sound: Float32Array, at: number): void {
    // The short frame lies in the middle of the long one that pitch needs.
    const start = at + (pitchLength - frameLength) / 2;
    for (let i = 0; i < frameLength; i++) {
      const before = i === 0 ? sound[start]! : sound[start + i - 1]!;
      this.#frame[i] = this.#window[i]! * (sound[start + i]! - preEmphasis * before);
    }
    this.#fft.powerSpectrum(this.#frame, this.#power);
    this.#bank.apply(this.#power, this.#energies);
    let speechPower = 0;
    for (let band = 0; band < bands; band++) {
      const centre = this.#bank.centres[band]!;
      if (centre >= 200 && centre <= 4000) speechPower += this.#energies[band]!;
      this.#energies[band] = Math.log(this.#energies[band]! + silence);
    }
    this.#loudness.add(Math.log(speechPower + silence));
    for (let k = 1; k <= cepstra; k++) {
      const cosines = this.#cosines[k]!;
      let sum = 0;
      for (let band = 0; band < bands; band++) sum += cosines[band]! * this.#energies[band]!;
      this.#cepstrum.add(sum);
    }
    for (let i = 0; i < this.#slow.length; i++) {
      let sum = 0;
      for (let k = 0; k < pitchDecimation; k++) sum += sound[at + i * pitchDecimation + k]!;
      this.#slow[i] = sum / pitchDecimation;
    }
    this.#pitch.add(pitchOf(this.#slow, sampleRate / pitchDecimation));
  }
}

/** Numbers that come one by one. */
class Growing {
  #values = new Float32Array(4096);
  length = 0;

  add(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Float32Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  whole(): Float32Array {
    return this.#values.slice(0, this.length);
  }
}
