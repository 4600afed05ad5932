/** Lengths of time as people say them: "3 min", "2 h 5 min". */
const units = [
  { name: "d", ms: 86_400_000 },
  { name: "h", ms: 3_600_000 },
  { name: "min", ms: 60_000 },
  { name: "s", ms: 1000 },
] as const;

/** The two largest units that it fills. */
export function span(ms: number): string {
  const first = units.findIndex((unit) => ms >= unit.ms);
  const unit = units[first];
  if (unit === undefined) return `${Math.max(0, Math.round(ms))} ms`;
  const whole = Math.floor(ms / unit.ms);
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((ms - whole * unit.ms) / next.ms);
  return rest === 0 || next === undefined ? `${whole} ${unit.name}` : `${whole} ${unit.name} ${rest} ${next.name}`;
}
