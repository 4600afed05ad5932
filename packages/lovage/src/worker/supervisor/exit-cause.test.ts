import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { RunnerExit } from "../../pool/runner-host.ts";
import { exitCause, oomKills } from "./exit-cause.ts";

const exit = (fields: Partial<RunnerExit>): RunnerExit => ({ epoch: "e", code: null, signal: null, asNeighbour: false, ...fields });

it.each([
  [exit({ code: 3 }), false, "exit code 3", false],
  [exit({ signal: "SIGKILL" }), false, "signal SIGKILL, killed from outside", false],
  [exit({ signal: "SIGKILL" }), true, "signal SIGKILL, out of memory: killed by the kernel", true],
  [exit({ signal: "SIGSEGV" }), true, "signal SIGSEGV, its native code has crashed", false],
  [exit({ signal: "SIGHUP" }), false, "signal SIGHUP", false],
  [exit({ code: 1, outOfMemory: true }), false, "out of memory: the heap of its thread has reached its limit", true],
] as const)("names the cause of %o", (gone, kernelKilled, text, outOfMemory) => {
  expect(exitCause(gone, kernelKilled)).toEqual({ text, outOfMemory });
});

it("reads what the kernel says about its kills", () => {
  const folder = mkdtempSync(join(tmpdir(), "lovage-cgroup-"));
  const path = join(folder, "memory.events");
  writeFileSync(path, "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n");
  expect(oomKills(path)).toBe(2);
  expect(oomKills(join(folder, "absent"))).toBeNull();
  rmSync(folder, { recursive: true });
});
