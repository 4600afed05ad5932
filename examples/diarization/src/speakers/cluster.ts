/**
 * Puts stretches of speech together by voice: again and again the two that are most alike, until the most alike are rather two
 * speakers than one. So nobody has to say how many there are.
 */
import type { Breath } from "./breath.ts";
import type { Stretch, VoiceModel } from "./stretch.ts";

export interface Cluster {
  readonly stretch: Stretch;
  /** Indices of the stretches that are in it. */
  readonly members: readonly number[];
}

/** All pairs are compared, so many stretches are put together in parts first, and then what came of the parts. */
const mostAtOnce = 400;

export interface ClusterOptions {
  readonly breath: Breath;
  /** Two that differ by less are one. @defaultValue 0 */
  readonly stopAt?: number;
  readonly onMerged?: () => void;
}

export async function clusterStretches(
  stretches: readonly Stretch[],
  voices: VoiceModel,
  options: ClusterOptions,
): Promise<readonly Cluster[]> {
  let clusters: readonly Cluster[] = stretches.map((stretch, i) => ({ stretch, members: [i] }));
  while (clusters.length > mostAtOnce) {
    const parts: Cluster[] = [];
    for (let at = 0; at < clusters.length; at += mostAtOnce)
      parts.push(...(await merge(clusters.slice(at, at + mostAtOnce), voices, options)));
    if (parts.length === clusters.length) break;
    clusters = parts;
  }
  return merge(clusters, voices, options);
}

async function merge(
  given: readonly Cluster[],
  voices: VoiceModel,
  { breath, stopAt = 0, onMerged }: ClusterOptions,
): Promise<readonly Cluster[]> {
  const clusters: (Cluster | null)[] = [...given];
  const size = clusters.length;
  const differences = new Float64Array(size * size).fill(Number.POSITIVE_INFINITY);
  const compare = async (i: number) => {
    for (const [j, other] of clusters.entries()) {
      if (other === null || j === i) continue;
      differences[Math.min(i, j) * size + Math.max(i, j)] = voices.difference(clusters[i]!.stretch, other.stretch);
      await breath.take();
    }
  };
  for (let i = 0; i < size; i++)
    for (let j = i + 1; j < size; j++) {
      differences[i * size + j] = voices.difference(given[i]!.stretch, given[j]!.stretch);
      await breath.take();
    }
  for (;;) {
    await breath.take();
    const best = indexOfLeast(differences);
    if (best < 0 || differences[best]! >= stopAt) break;
    const [i, j] = [Math.floor(best / size), best % size];
    const [a, b] = [clusters[i]!, clusters[j]!];
    clusters[i] = { stretch: voices.join(a.stretch, b.stretch), members: [...a.members, ...b.members] };
    clusters[j] = null;
    for (let k = 0; k < size; k++) differences[Math.min(j, k) * size + Math.max(j, k)] = Number.POSITIVE_INFINITY;
    await compare(i);
    onMerged?.();
  }
  return clusters.filter((cluster) => cluster !== null);
}

function indexOfLeast(values: Float64Array): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (values[i]! < (best < 0 ? Number.POSITIVE_INFINITY : values[best]!)) best = i;
  return best;
}
