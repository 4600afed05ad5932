/** What a fault does to a process, by its pid. Linux only, as far as children are asked for. */
import { readFileSync } from "node:fs";

/** Direct children of the process. Of a worker node: its runners, for its supervisor starts nothing else. Empty: it is gone. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** false: there is no such process any more. */
export function signal(pid: number, name: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Milliseconds on a clock that all processes of this machine share, and that no clock step moves. */
export const sharedNowMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
