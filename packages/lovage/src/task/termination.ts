/** How a run that is revoked comes to its end: what Celery's `terminate` and `signal` mean where a process need not be a task's own. */
import { constants } from "node:os";
import { UsageError } from "../kernel/errors.ts";

export interface Termination {
  readonly terminate: boolean;
  /** null: it is asked, and never killed. */
  readonly killAfterMs: number | null;
  readonly signal?: string;
}

export interface TerminationWish {
  /** Also stop it if it runs. @defaultValue false */
  readonly terminate?: boolean;
  /**
   * With `terminate`: a signal's name. It goes to the runner's process where the run is alone in it (`processes`, `solo`), and is
   * left out where it would hit others. SIGKILL: killed at once. SIGUSR1: the run's signal aborts with `SoftTimeLimitError`,
   * and it is not killed unless `killAfterMs` says so. @defaultValue none
   */
  readonly signal?: string | number;
  /** Milliseconds a run gets to stop by itself before it is killed; null: it is never killed. @defaultValue the app's `killAfterMs` */
  readonly killAfterMs?: number | null;
}

/** @throws {UsageError} LOVAGE_REVOKE_INVALID */
export function terminationOf({ terminate = false, signal, killAfterMs }: TerminationWish, defaultMs: number): Termination {
  const name = signal === undefined ? undefined : signalName(signal);
  if (!terminate) return { terminate, killAfterMs: defaultMs };
  const usual = name === "SIGKILL" ? 0 : name === "SIGUSR1" ? null : defaultMs;
  return { terminate, killAfterMs: killAfterMs === undefined ? usual : killAfterMs, ...(name !== undefined && { signal: name }) };
}

/** As Celery takes them: with or without SIG, in any case, or as a number. */
function signalName(given: string | number): string {
  const text = String(given).toUpperCase();
  const known = Object.entries(constants.signals);
  const found = known.find(([name, number]) => name === text || name === `SIG${text}` || String(number) === text);
  if (found !== undefined) return found[0];
  const message = `Cannot revoke with the signal ${JSON.stringify(given)}: expected a name such as SIGTERM, SIGKILL or SIGUSR1.`;
  throw new UsageError("LOVAGE_REVOKE_INVALID", message, { details: { signal: given } });
}
