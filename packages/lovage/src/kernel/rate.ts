/** "So many per time", as Celery writes it. Pure. */

/** "10/s", "100/m", "5/h", or starts per second as a number or text. */
export type Rate = number | string;

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds from one start to the next; null: no limit (0, as in Celery); undefined: not readable. */
export function rateIntervalMs(rate: Rate): number | null | undefined {
  if (typeof rate === "number") return intervalMs(rate, 1000);
  const [, amount, unit = "s"] = /^\s*(\d+(?:\.\d+)?)\s*(?:\/\s*([smh]))?\s*$/.exec(rate) ?? [];
  return amount === undefined ? undefined : intervalMs(Number(amount), unitMs[unit] ?? Number.NaN);
}

function intervalMs(amount: number, perMs: number): number | null | undefined {
  if (!Number.isFinite(amount) || amount < 0) return undefined;
  return amount === 0 ? null : perMs / amount;
}
