/**
 * What tells a dead process of one's own machine from a living one: machine identity, pid, and the start time of the pid.
 * Used for what a node announces and for the reaper's shortcut. Linux only; elsewhere the facts are null and the shortcut is off.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface Machine {
  readonly host: string;
  /** Empty where it cannot be told: then no process of this machine is ever declared gone by its pid. */
  readonly bootId: string;
  /** Start time of a process as the system counts it; null: unknown or gone. */
  processStart(pid: number): string | null;
  /** True only when it is certain: no such pid, or the pid belongs to a younger process. */
  isGone(pid: number, processStart: string | null): boolean;
}

export function localMachine(): Machine {
  return { host: hostname(), bootId: readBootId(), processStart: readProcessStart, isGone };
}

/** Two containers share the kernel's boot id, and maybe the host name, but not their pids: the pid namespace belongs to it. */
function readBootId(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}

/** Field 22 of /proc/<pid>/stat, clock ticks since boot; the name before it may hold spaces and brackets (proc(5)). */
function readProcessStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function isGone(pid: number, processStart: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  const start = readProcessStart(pid);
  return processStart !== null && start !== null && start !== processStart;
}
