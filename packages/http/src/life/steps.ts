/** Progress by named steps, so that a task cannot report one that does not exist, and does not add up fractions by hand. */
import { currentRun } from "lovage";

/**
 * The steps of a task in their order, each with its share of the time. What it gives reports where the run is: the step, and how
 * far it is in it.
 * @example
 * const step = steps({ load: 1, segment: 8, measure: 1 });
 * step("segment");            // 0.1 "segment"
 * step("segment", 0.5);       // 0.5 "segment"
 */
export function steps<const Shares extends Readonly<Record<string, number>>>(
  shares: Shares,
): (step: keyof Shares & string, fraction?: number) => void {
  const names = Object.keys(shares);
  const total = Object.values(shares).reduce((sum, share) => sum + share, 0);
  const before = (index: number) => names.slice(0, index).reduce((sum, name) => sum + (shares[name] ?? 0), 0);
  return (step, fraction = 0) => {
    const within = Math.min(1, Math.max(0, fraction)) * (shares[step] ?? 0);
    currentRun().progress((before(names.indexOf(step)) + within) / total, step);
  };
}
