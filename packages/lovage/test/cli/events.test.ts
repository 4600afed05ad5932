import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { bin, Desk } from "./cli.ts";

let desk: Desk;
beforeAll(async () => {
  desk = new Desk();
  await desk.worker("-n", "node@x", "-E");
});
afterAll(() => desk.close());

describe("lovage events", () => {
  it("prints a line or a document per event as they come, until it is stopped", async () => {
    const dump = desk.start(["events", "--dump"]);
    const json = desk.start(["events", "--json"]);
    // Nodes are asked for a heartbeat by whoever begins to listen.
    await Promise.all([dump.says(/^node@x \[.*\] heartbeat: /m), json.says(/"worker-heartbeat"/)]);
    const { stdout } = await desk.run("call", "t.add", "1", "2", "--wait");
    expect(stdout).toBe("3\n");
    await Promise.all([dump.says(/task succeeded: t\.add\(.*\).* result=3/), json.says(/"task-succeeded"/)]);
    const ends = await Promise.all([dump.stop("SIGINT"), json.stop("SIGTERM")]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    const events = ends[1].stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.filter(({ type }) => type.startsWith("task-")).map(({ type }) => type)).toEqual([
      "task-received",
      "task-started",
      "task-succeeded",
    ]);
  });

  it("needs a terminal for its screen, and has no snapshots", async () => {
    expect(await desk.run("events")).toMatchObject({ code: 64, stderr: expect.stringContaining("use --dump or --json") });
    expect(await desk.run("events", "-c", "cam.Cam")).toMatchObject({ code: 64, stderr: expect.stringContaining("takes no snapshots") });
    expect(await desk.run("events", "--dump", "-F", "2")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("takes no snapshots"),
    });
    const away = await desk.run("events", "--dump", "-b", "redis://127.0.0.1:1/0");
    expect(away).toMatchObject({ code: 69, stdout: "", stderr: expect.stringContaining("[LOVAGE_BROKER_UNAVAILABLE]") });
  });
});

const entered = "\u001b[?1049h";
const left = "\u001b[?25h\u001b[?1049l";

/** A program on a terminal of its own, made by script(1). */
function onTerminal(command: string) {
  const shell = `stty cols 100 rows 20; echo "pid $$"; exec ${command}`;
  const child = spawn("script", ["-qfec", shell, "/dev/null"], {
    cwd: desk.folder,
    env: { ...process.env, LOVAGE_BROKER: desk.broker, SHELL: "/bin/sh", TERM: "xterm" },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return {
    ended,
    type: (keys: string) => child.stdin.write(keys),
    output: () => output,
    pid: () => Number(/pid (\d+)/.exec(output)?.[1]),
    says: (what: RegExp) => waitFor(`${what} on the terminal`, () => what.test(output), 30_000),
    stop: () => child.kill("SIGKILL"),
  };
}

const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux") ?? false;

describe.skipIf(!hasScript)("the screen of lovage events, on a terminal", () => {
  it("shows what happens, obeys keys, and gives the terminal back", async () => {
    const terminal = onTerminal(`${process.execPath} ${bin} events`);
    try {
      await terminal.says(/Workers online: .*node@x/);
      expect(terminal.output()).toContain(entered);
      await desk.run("call", "t.add", "1", "2", "--wait");
      await terminal.says(/t\.add.*SUCCESS/);
      terminal.type("\u001b[B");
      await terminal.says(/Selected: .*result=3/);
      terminal.type("i");
      await terminal.says(/kwargs +\{\}/);
      terminal.type(" l10/m\r");
      await terminal.says(/node@x: /);
      terminal.type(" q");
      expect(await terminal.ended).toBe(0);
      expect(terminal.output().trimEnd().endsWith(left)).toBe(true);
    } finally {
      terminal.stop();
    }
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("gives the terminal back at %s", async (signal) => {
    const terminal = onTerminal(`${process.execPath} ${bin} events`);
    try {
      await terminal.says(/Workers online: .*node@x/);
      process.kill(terminal.pid(), signal);
      expect(await terminal.ended).toBe(0);
      expect(terminal.output().trimEnd().endsWith(left)).toBe(true);
    } finally {
      terminal.stop();
    }
  });

  it("gives the terminal back before a crash is told", async () => {
    const module = fileURLToPath(new URL("../../dist/cli/events/terminal.js", import.meta.url));
    const code = `const { Terminal } = await import(${JSON.stringify(module)}); new Terminal().open(() => {}, () => {}); setTimeout(() => { throw new Error("no such pot"); });`;
    const terminal = onTerminal(`${process.execPath} --input-type=module -e '${code}'`);
    expect(await terminal.ended).not.toBe(0);
    expect(terminal.output()).toContain(entered);
    expect(terminal.output().indexOf(left)).toBeGreaterThan(0);
    expect(terminal.output().indexOf(left)).toBeLessThan(terminal.output().indexOf("no such pot"));
  });
});
