/** Fundamental frequency of a voiced frame by normalised autocorrelation, on sound of a quarter of the rate. */

const lowestHertz = 65;
const highestHertz = 400;
/** Below this correlation a frame is called unvoiced. */
const leastCorrelation = 0.55;
/** An octave below correlates as well; the shortest period that is nearly as good is taken. */
const nearlyAsGood = 0.92;

/** @returns hertz, or 0 for a frame without pitch. @param frame at least 40 ms of it */
export function pitchOf(frame: Float32Array, sampleRate: number): number {
  const shortest = Math.floor(sampleRate / highestHertz);
  const longest = Math.min(Math.ceil(sampleRate / lowestHertz), Math.floor(frame.length / 2));
  const energies = energiesUpTo(frame);
  const correlations = new Float64Array(longest + 2);
  let best = 0;
  for (let lag = shortest; lag <= longest + 1; lag++) {
    const correlation = correlationAt(frame, lag, energies);
    correlations[lag] = correlation;
    if (lag <= longest) best = Math.max(best, correlation);
  }
  if (best < leastCorrelation) return 0;
  for (let lag = shortest + 1; lag <= longest; lag++) {
    const [before, here, after] = [correlations[lag - 1]!, correlations[lag]!, correlations[lag + 1]!];
    if (here >= nearlyAsGood * best && here >= before && here >= after) return sampleRate / (lag + vertex(before, here, after));
  }
  return 0;
}

/** At i: of the first i samples. */
function energiesUpTo(frame: Float32Array): Float64Array {
  const energies = new Float64Array(frame.length + 1);
  for (let i = 0; i < frame.length; i++) energies[i + 1] = energies[i]! + frame[i]! ** 2;
  return energies;
}

function correlationAt(frame: Float32Array, lag: number, energies: Float64Array): number {
  const overlap = frame.length - lag;
  let product = 0;
  for (let i = 0; i < overlap; i++) product += frame[i]! * frame[i + lag]!;
  const energy = Math.sqrt(energies[overlap]! * (energies[frame.length]! - energies[lag]!));
  return energy < 1e-9 ? 0 : product / energy;
}

/** Where the parabola through three neighbours has its top, relative to the middle one. */
function vertex(before: number, here: number, after: number): number {
  const bend = before - 2 * here + after;
  return bend === 0 ? 0 : (0.5 * (before - after)) / bend;
}
