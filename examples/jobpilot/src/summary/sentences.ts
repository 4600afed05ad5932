/** Text as sentences, sentences as weighted words. */
const splitter = new Intl.Segmenter("en", { granularity: "sentence" });
const word = /\p{L}[\p{L}\p{N}'-]*/gu;
const stopWords = new Set(
  "a about after all also an and any are as at be because been but by can could did do for from had has have he her his how i if in into is it its just like may me more most my no not of on one only or other our out over she so some such than that the their them then there these they this to under up us was we were what when where which while who will with would you your".split(
    " ",
  ),
);

export type Weights = ReadonlyMap<string, number>;

export function sentencesOf(text: string): readonly string[] {
  return [...splitter.segment(text)].map(({ segment }) => segment.trim()).filter((sentence) => wordsOf(sentence).length >= 4);
}

/** Plurals are their singulars: that much of a stemmer pays, by the measure in the README. */
export const wordsOf = (text: string): readonly string[] =>
  [...text.toLowerCase().matchAll(word)]
    .map(([found]) => found.replace(/'s$/, ""))
    .filter((found) => found.length > 1 && !stopWords.has(found))
    .map((found) => (found.length > 3 ? found.replace(/(?<=[^s])s$/, "") : found));

/** Each text's words by how often they stand there and how few others have them; of length 1. */
export function weigh(texts: readonly string[]): readonly Weights[] {
  const counted = texts.map((text) => {
    const counts = new Map<string, number>();
    for (const each of wordsOf(text)) counts.set(each, (counts.get(each) ?? 0) + 1);
    return counts;
  });
  const found = new Map<string, number>();
  for (const counts of counted) for (const each of counts.keys()) found.set(each, (found.get(each) ?? 0) + 1);
  return counted.map((counts) => {
    const weights = new Map([...counts].map(([each, count]) => [each, count * Math.log(1 + texts.length / (found.get(each) ?? 1))]));
    const length = Math.hypot(...weights.values()) || 1;
    return new Map([...weights].map(([each, weight]) => [each, weight / length]));
  });
}

export function similarity(a: Weights, b: Weights): number {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  let sum = 0;
  for (const [each, weight] of few) sum += weight * (many.get(each) ?? 0);
  return sum;
}
