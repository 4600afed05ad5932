/**
 * An extractive summary: the sentences that most others resemble, by a random walk over their likeness (LexRank: Erkan and
 * Radev, 2004) which begins again at what resembles the topic; each further one is taken for what it adds (MMR: Carbonell and
 * Goldstein, 1998). In the order of the texts.
 */
import { sentencesOf, similarity, type Weights, weigh } from "./sentences.ts";

export interface SummaryOptions {
  readonly sentences: number;
  /** Absent: what the texts say, whatever it is about. */
  readonly topic?: string;
}

/** The rest of the walk begins again: more of it makes a summary keep to its topic (figures in the README). */
const damping = 0.5;
const steps = 40;
/** Of a sentence's worth; the rest is taken off for what it repeats. */
const novelty = 0.5;
/** The walk looks at every pair; of more sentences these are taken that are most like the topic. */
const mostSentences = 400;

export function summarise(texts: readonly string[], { sentences: most, topic }: SummaryOptions): readonly string[] {
  const sentences = nearest([...new Set(texts.flatMap(sentencesOf))], topic);
  if (sentences.length <= most) return sentences;
  const weighed = weigh(topic === undefined ? sentences : [...sentences, topic]);
  const vectors = weighed.slice(0, sentences.length);
  const bias = topic === undefined ? undefined : weighed.at(-1);
  const worth = rank(vectors, bias);
  return choose(vectors, worth, most)
    .sort((a, b) => a - b)
    .map((i) => sentences[i] ?? "");
}

function nearest(sentences: readonly string[], topic = ""): readonly string[] {
  if (sentences.length <= mostSentences) return sentences;
  const weighed = weigh([topic, ...sentences]);
  const likeness = sentences.map((_, i) => similarity(weighed[0] ?? new Map(), weighed[i + 1] ?? new Map()));
  const best = [...likeness.keys()].sort((a, b) => (likeness[b] ?? 0) - (likeness[a] ?? 0) || a - b).slice(0, mostSentences);
  return best.sort((a, b) => a - b).map((i) => sentences[i] ?? "");
}

/** Where a walker ends up who goes from sentence to sentence by likeness, and now and then begins again. */
function rank(vectors: readonly Weights[], bias: Weights | undefined): readonly number[] {
  const count = vectors.length;
  const likeness = vectors.map((a, i) => vectors.map((b, j) => (i === j ? 0 : similarity(a, b))));
  const sums = likeness.map((row) => row.reduce((sum, each) => sum + each, 0));
  const start = share(vectors.map((vector) => (bias === undefined ? 1 : 0.02 + similarity(vector, bias))));
  let worth = start;
  for (let step = 0; step < steps; step++) {
    const next = new Array<number>(count).fill(0);
    for (let i = 0; i < count; i++) {
      const sum = sums[i] ?? 0;
      const here = worth[i] ?? 0;
      for (let j = 0; j < count; j++)
        next[j] = (next[j] ?? 0) + (sum === 0 ? here * (start[j] ?? 0) : (here * (likeness[i]?.[j] ?? 0)) / sum);
    }
    worth = next.map((each, j) => damping * each + (1 - damping) * (start[j] ?? 0));
  }
  return worth;
}

function choose(vectors: readonly Weights[], worth: readonly number[], most: number): number[] {
  const best = Math.max(...worth) || 1;
  const chosen: number[] = [];
  const repeats = vectors.map(() => 0);
  while (chosen.length < most) {
    let next = -1;
    let nextValue = Number.NEGATIVE_INFINITY;
    for (const [i, each] of worth.entries()) {
      const value = novelty * (each / best) - (1 - novelty) * (repeats[i] ?? 0);
      if (value <= nextValue || chosen.includes(i)) continue;
      next = i;
      nextValue = value;
    }
    const vector = vectors[next];
    if (vector === undefined) break;
    chosen.push(next);
    for (const [i, other] of vectors.entries()) repeats[i] = Math.max(repeats[i] ?? 0, similarity(vector, other));
  }
  return chosen;
}

const share = (numbers: readonly number[]): readonly number[] => {
  const sum = numbers.reduce((total, each) => total + each, 0) || 1;
  return numbers.map((each) => each / sum);
};
