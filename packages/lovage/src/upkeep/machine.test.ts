import { spawn } from "node:child_process";
import { once } from "node:events";
import { platform } from "node:os";
import { describe, expect, it } from "vitest";
import { localMachine } from "./machine.ts";

describe("localMachine", () => {
  it("says that its own process lives", () => {
    const machine = localMachine();
    expect(machine.isGone(process.pid, machine.processStart(process.pid))).toBe(false);
    expect(machine.isGone(process.pid, null)).toBe(false);
  });

  it("says that a process which has ended is gone", async () => {
    const child = spawn(process.execPath, ["-e", ""], { stdio: "ignore" });
    const pid = child.pid as number;
    await once(child, "exit");
    expect(localMachine().isGone(pid, null)).toBe(true);
  });

  it.runIf(platform() === "linux")("tells a pid that was used again by its start time", () => {
    const machine = localMachine();
    expect(machine.bootId).not.toBe("");
    expect(machine.processStart(process.pid)).toMatch(/^\d+$/);
    expect(machine.isGone(process.pid, "1")).toBe(true);
  });
});
