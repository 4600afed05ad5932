/**
 * An app tells the faults of its connections as process warnings. A command that ends because of one says so in its error: the
 * warnings would say it once more, and first.
 */

/** Holds them back until the function that it returns is called. */
export function muteFaultWarnings(): () => void {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...how: readonly unknown[]) => {
    const [options] = how as readonly [{ readonly code?: string }?];
    if (options?.code !== "LOVAGE_FAULT") Reflect.apply(emitWarning, process, [warning, ...how]);
  }) as typeof process.emitWarning;
  return () => {
    process.emitWarning = emitWarning;
  };
}
