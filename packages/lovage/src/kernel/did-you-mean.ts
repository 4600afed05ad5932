/** ` Did you mean …?` with the names that a misspelled one is near to; empty where there is none. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const near = [...names].filter((name) => distance(name.toLowerCase(), word.toLowerCase()) <= 3);
  return near.length > 0 ? ` Did you mean ${near.join(" or ")}?` : "";
}

/** Edits between two short words (Levenshtein). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 3) return 4;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
