import { describe, expect, it } from "vitest";
import type { RunnerExit } from "../../pool/runner-host.ts";
import { Autopsy, memoryKills } from "./autopsy.ts";
import type { EndReason } from "./member.ts";

const exit = (more: Partial<RunnerExit>): RunnerExit => ({ epoch: "e", code: null, signal: null, asNeighbour: false, ...more });
const nothing = () => undefined;

describe("the cause of a runner's end", () => {
  it.each<[string, EndReason, Partial<RunnerExit>]>([
    ["abort", null, { signal: "SIGABRT" }],
    ["heap-limit", null, { signal: "SIGABRT", heapFull: true }],
    ["heap-limit", null, { code: 1, heapFull: true }],
    ["segfault", null, { signal: "SIGSEGV" }],
    ["segfault", null, { signal: "SIGBUS" }],
    ["killed", null, { signal: "SIGKILL" }],
    ["signal", null, { signal: "SIGXCPU" }],
    ["exit", null, { code: 0 }],
    ["exit", null, { code: 3 }],
    ["unknown", null, {}],
    ["time-limit", "time-limit", { signal: "SIGKILL" }],
    ["cancelled", "cancelled", { signal: "SIGKILL" }],
    ["blocked", "blocked", { signal: "SIGKILL" }],
    ["stopped", "shutdown", { signal: "SIGKILL" }],
    ["replaced", "recycle", { code: 0 }],
    ["neighbour", null, { signal: "SIGKILL", asNeighbour: true }],
  ])("is %s (we: %s, the system: %j)", (cause, endReason, how) => {
    expect(new Autopsy(nothing).examine({ endReason, death: null }, exit(how)).cause).toBe(cause);
  });

  it("is memory when the system has killed for it since the last look, and only then", () => {
    let kills = 4;
    const autopsy = new Autopsy((path) => (path === "/proc/vmstat" ? `nr_free 1\noom_kill ${kills}\n` : undefined));
    const examine = () => autopsy.examine({ endReason: null, death: null }, exit({ signal: "SIGKILL" }));
    expect(examine().cause).toBe("killed");
    kills = 5;
    expect(examine()).toEqual({ cause: "out-of-memory", how: "signal SIGKILL: the system was out of memory" });
    expect(examine().cause).toBe("killed");
  });
});

describe("kills for memory", () => {
  const files = (all: Readonly<Record<string, string>>) => (path: string) => all[path];
  const events = (kills: number) => `low 0\nhigh 0\nmax 9\noom 7\noom_kill ${kills}\noom_group_kill 0\n`;

  it("are read from the control group: version 2, version 1, in a container, or from the machine", () => {
    const two = { "/proc/self/cgroup": "0::/app\n", "/proc/vmstat": "oom_kill 9" };
    expect(memoryKills(files({ ...two, "/sys/fs/cgroup/app/memory.events": events(2) }))).toBe(2);
    expect(memoryKills(files({ ...two, "/sys/fs/cgroup/memory.events": events(3) }))).toBe(3);
    expect(memoryKills(files(two))).toBe(9);
    const one = { "/proc/self/cgroup": "5:cpu,memory:/docker/abc\n1:name=systemd:/\n" };
    const control = "oom_kill_disable 0\nunder_oom 0\noom_kill 6\n";
    expect(memoryKills(files({ ...one, "/sys/fs/cgroup/memory/docker/abc/memory.oom_control": control }))).toBe(6);
    expect(memoryKills(files({ ...one, "/sys/fs/cgroup/memory/memory.oom_control": control }))).toBe(6);
    expect(memoryKills(nothing)).toBe(0);
  });
});
