/** Why a runner died, in words for people, for the dead letters and for the caller's error. */
import { readFileSync } from "node:fs";
import type { RunnerExit } from "../../pool/runner-host.ts";

export interface ExitCause {
  readonly text: string;
  readonly outOfMemory: boolean;
}

const ofSignals: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGSEGV: "its native code has crashed",
  SIGBUS: "its native code has crashed",
  SIGILL: "its native code has crashed",
  SIGFPE: "its native code has crashed",
  SIGABRT: "it aborted: V8 does so when its heap is full, native code when it fails; standard error says which",
  SIGKILL: "killed from outside",
};

/** `kernelKilled`: the kernel has killed for want of memory since the runner was spawned. */
export function exitCause(exit: RunnerExit, kernelKilled: boolean): ExitCause {
  const { code, signal } = exit;
  if (exit.outOfMemory === true) return { text: "out of memory: the heap of its thread has reached its limit", outOfMemory: true };
  if (signal === null) return { text: `exit code ${code}`, outOfMemory: false };
  if (signal === "SIGKILL" && kernelKilled) return { text: "signal SIGKILL, out of memory: killed by the kernel", outOfMemory: true };
  const why = ofSignals[signal];
  return { text: why === undefined ? `signal ${signal}` : `signal ${signal}, ${why}`, outOfMemory: false };
}

/** How often the kernel has killed a process of our control group for want of memory; null: it does not say. */
export function oomKills(path = "/sys/fs/cgroup/memory.events"): number | null {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(path, "utf8"))?.[1] ?? Number.NaN) || 0;
  } catch {
    return null;
  }
}
