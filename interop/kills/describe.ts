/** A report as people read it. */
import { reasons } from "./judge.ts";
import type { Report } from "./round.ts";

export function describe({ plan, kills, fewest, tookMs, bodies, executions, listed, findings }: Report): string {
  const killed = [...kills].map(([victim, count]) => `${count} ${victim}`).join(", ");
  const lines = [`${plan.chords} chords in ${(tookMs / 1000).toFixed(1)} s; killed ${killed}, never with fewer than ${fewest} under way`];
  for (const [last, { once, twice, never, executedOnce, executedAgain, executedNever }] of [...bodies].sort())
    lines.push(
      `  last part ${last}: bodies sent once ${once} (executed once ${executedOnce}, again after a kill ${executedAgain}, never ${executedNever}), twice ${twice}, never ${never}`,
    );
  for (const side of ["ts", "py"] as const) {
    const counts = [...executions[side]].sort(([a], [b]) => a - b).map(([times, tasks]) => `${tasks} × ${times}`);
    lines.push(`  executions ${side}: ${counts.join(", ")}`);
  }
  for (const [reason, labels] of listed) lines.push(`  ${labels.length} listed: ${reasons[reason]} (${labels.slice(0, 8).join(" ")})`);
  for (const finding of findings) lines.push(`  FOUND ${finding}`);
  return lines.join("\n");
}
