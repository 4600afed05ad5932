/** A report as people read it. */
import type { Report } from "./campaign.ts";

/** Of the same kind more would not help. */
const shownFindings = 20;

export function describe({ plan, sent, chords, runs, faults, account, findings, tookMs }: Report): string {
  const { once, again, mostRuns, lost, causes } = account;
  const lines = [
    `${plan.store}: ${sent} tasks (${chords} chords) in ${plan.rounds} rounds, ${(tookMs / 1000).toFixed(0)} s, seed ${plan.seed}`,
    `  faults: ${[...faults].map(([what, count]) => `${count} × ${what}`).join(", ") || "none"}`,
    `  lost ${lost.length}; ran once ${once}, more than once ${again}; ${runs} runs, at most ${mostRuns} of one task`,
    ...[...causes].sort().map(([cause, count]) => `  ${count} ran again: ${cause}`),
    ...findings.slice(0, shownFindings).map((finding) => `  FOUND ${finding}`),
  ];
  if (findings.length > shownFindings) lines.push(`  FOUND ${findings.length - shownFindings} more`);
  return lines.join("\n");
}
