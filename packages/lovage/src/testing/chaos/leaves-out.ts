/**
 * Whether a test leaves a fault out that cannot be injected here, for want of rights or of a program. It says so aloud. In CI as
 * root nothing may be missing: there it fails.
 * @param refusal as the fault's own `refusal()` says it; undefined: nothing is missing
 * @example describe.skipIf(leavesOut("a full disk", SmallDisk.refusal()))("a full disk", …)
 * @throws what is missing, where CI is true and we are root
 */
export function leavesOut(fault: string, refusal: string | undefined): boolean {
  if (refusal === undefined) return false;
  if (process.env.CI === "true" && process.getuid?.() === 0) throw new Error(`Cannot inject ${fault}: ${refusal}`);
  console.warn(`SKIPPED: ${fault}, because ${refusal}`);
  return true;
}
