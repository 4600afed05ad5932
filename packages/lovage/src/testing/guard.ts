/** Ends what a test has started when the test's own process is gone, however it went. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/**
 * A shell that waits for the end of its input, which only we can write to. In a group of its own, so that what is sent to ours
 * does not end it first.
 */
export function startGuard(command: string): ChildProcess {
  return spawn("/bin/sh", ["-c", `read -r _; ${command}`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
}

export async function endGuard(guard: ChildProcess | undefined): Promise<void> {
  if (guard?.pid === undefined || guard.exitCode !== null || guard.signalCode !== null) return;
  const exited = once(guard, "exit");
  guard.kill("SIGKILL");
  await exited;
}
