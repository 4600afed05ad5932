import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { ProcessHost } from "../../dist/pool/process/host.js";
import type { FromRunner, FromWatchdog, RunnerSpec } from "../../dist/pool/protocol.js";
import type { Runner, RunnerHost } from "../../dist/pool/runner-host.js";
import { ThreadHost } from "../../dist/pool/thread/host.js";
import { isAlive, waitFor } from "./wait-for.ts";

const entry = new URL("./fixtures/scripted-runner.mjs", import.meta.url).href;
const hosts: RunnerHost[] = [];

afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

function open<H extends RunnerHost>(host: H): H {
  hosts.push(host);
  return host;
}

interface Spawned {
  readonly runner: Runner;
  readonly messages: FromRunner[];
  readonly findings: FromWatchdog[];
  heard<T extends FromRunner["t"]>(t: T): Promise<Extract<FromRunner, { t: T }>>;
  found<T extends FromWatchdog["t"]>(t: T): Promise<Extract<FromWatchdog, { t: T }>>;
}

async function start(host: RunnerHost, settings: RunnerSpec["settings"]): Promise<Spawned> {
  const spec: RunnerSpec = {
    epoch: randomUUID(),
    appModule: "",
    settings,
    nodeName: "celery@test",
    queues: [],
    slots: 1,
    openSlots: 1,
    ownBell: false,
    prefetch: 1,
    maxTasks: null,
    maxMemoryBytes: null,
    hardMemoryBytes: null,
    wantsEvents: false,
    nodeStartedAt: 0,
  };
  const messages: FromRunner[] = [];
  const findings: FromWatchdog[] = [];
  const runner = await host.spawn(spec, { onMessage: (m) => messages.push(m), onWatchdog: (m) => findings.push(m) });
  return {
    runner,
    messages,
    findings,
    heard: (t) => waitFor(`message ${t}`, () => messages.find((m) => m.t === t)) as never,
    found: (t) => waitFor(`finding ${t}`, () => findings.find((m) => m.t === t)) as never,
  };
}

describe.each([
  ["process", () => open(new ProcessHost({ entry }))],
  ["thread", () => open(new ThreadHost({ entry }))],
] as const)("a runner of the %s host", (_, newHost) => {
  it("speaks, listens, and exits when it is done", async () => {
    const { runner, heard } = await start(newHost(), { does: "obey" });
    await heard("ready");
    runner.send({ t: "wake", epoch: runner.epoch });
    await heard("idle");
    runner.send({ t: "drain", epoch: runner.epoch });
    expect(await runner.exited).toEqual({ epoch: runner.epoch, code: 0, signal: null, asNeighbour: false, heapFull: false });
    await heard("drained");
  });

  it("tells its slots and reaches its hard limit while user code loops, and is killed", async () => {
    const { runner, found } = await start(newHost(), { does: "loop", hardMs: 1500 });
    await waitFor("the slot", async () => (await runner.slots(10_000)).taken.length === 1);
    const blocked = await found("loop-blocked");
    expect(blocked.numbers).toEqual([7]);
    const limit = await found("hard-limit");
    expect(limit).toMatchObject({ number: 7, epoch: runner.epoch });
    expect(limit.limitMs).toBeCloseTo(1500, 0);
    expect(limit.loopLagMs).toBeGreaterThan(1000);
    expect((await runner.slots(1000)).taken).toMatchObject([{ number: 7, state: "running" }]);
    await runner.kill();
    expect((await runner.exited).asNeighbour).toBe(false);
  });

  it("has its abort flag raised by the soft limit, inside a loop and for awaits", async () => {
    const loop = await start(newHost(), { does: "askInLoop", softMs: 200 });
    expect((await loop.heard("cancelling")).killAfterMs).toBe(1);
    const awaits = await start(newHost(), { does: "wait", softMs: 50 });
    expect((await awaits.heard("ended")).number).toBe(7);
    expect((await awaits.found("soft-limit")).number).toBe(7);
  });

  it("has its abort flag raised by a cancel inside a loop", async () => {
    const { runner, heard } = await start(newHost(), { does: "askInLoop" });
    await waitFor("the slot", async () => (await runner.slots(10_000)).taken.length === 1);
    runner.cancel(7);
    expect((await heard("cancelling")).killAfterMs).toBe(2);
  });

  it("says why it failed, and ends", async () => {
    const { runner, heard } = await start(newHost(), { does: "throwing" });
    expect(await heard("failed")).toMatchObject({ code: "LOVAGE_RUNNER_CRASHED", message: expect.stringContaining("no model file") });
    await runner.exited;
  });
});

describe("the process host", () => {
  it("kills what user code has started together with the runner", async () => {
    const { runner, heard } = await start(open(new ProcessHost({ entry })), { does: "family" });
    const grandchild = (await heard("store-down")).forMs;
    expect(isAlive(grandchild)).toBe(true);
    await runner.kill();
    await waitFor("the grandchild's end", () => !isAlive(grandchild));
  });

  it("pins runners to numbers, and gives a free number to the next one", async () => {
    const host = open(new ProcessHost({ entry, env: (ordinal) => ({ CUDA_VISIBLE_DEVICES: `gpu${ordinal}` }) }));
    const first = await start(host, { does: "environment" });
    const second = await start(host, { does: "environment" });
    expect((await first.heard("failed")).message).toBe("gpu0");
    expect((await second.heard("failed")).message).toBe("gpu1");
    await first.runner.kill();
    const third = await start(host, { does: "environment" });
    expect((await third.heard("failed")).message).toBe("gpu0");
  });

  it("reports how a runner died", async () => {
    const { runner } = await start(open(new ProcessHost({ entry })), { does: "exit" });
    expect(await runner.exited).toMatchObject({ code: 3, signal: null });
    const other = await start(open(new ProcessHost({ entry })), { does: "loop" });
    process.kill(other.runner.pid as number, "SIGSEGV");
    expect(await other.runner.exited).toMatchObject({ code: null, signal: "SIGSEGV" });
  });

  it("is deaf to the signals of an init system: stopping is the supervisor's decision", async () => {
    const { runner, heard } = await start(open(new ProcessHost({ entry })), { does: "obey" });
    await heard("ready");
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(runner.pid as number, signal);
    runner.send({ t: "wake", epoch: runner.epoch });
    await heard("idle");
    expect(isAlive(runner.pid as number)).toBe(true);
  });
});

describe("the thread host", () => {
  it("ends one thread and leaves its neighbours alone", async () => {
    const host = open(new ThreadHost({ entry }));
    const looping = await start(host, { does: "loop" });
    const neighbour = await start(host, { does: "obey" });
    await neighbour.heard("ready");
    expect(neighbour.runner.pid).toBe(looping.runner.pid);
    await looping.runner.kill();
    neighbour.runner.send({ t: "wake", epoch: neighbour.runner.epoch });
    await neighbour.heard("idle");
  });

  it("reports the exit of a thread that ended its own", async () => {
    const host = open(new ThreadHost({ entry }));
    const neighbour = await start(host, { does: "obey" });
    const { runner } = await start(host, { does: "exit" });
    expect(await runner.exited).toMatchObject({ code: 3, asNeighbour: false, heapFull: false });
    await neighbour.heard("ready");
  });

  it("names neighbours when the whole process had to go, and opens another for the next runner", async () => {
    const host = open(new ThreadHost({ entry }));
    const stuck = await start(host, { does: "obey" });
    const neighbour = await start(host, { does: "obey" });
    await Promise.all([stuck.heard("ready"), neighbour.heard("ready")]);
    // A stopped process cannot end its thread, as little as one in native code can.
    process.kill(stuck.runner.pid as number, "SIGSTOP");
    await stuck.runner.kill();
    expect(await stuck.runner.exited).toMatchObject({ signal: "SIGKILL", asNeighbour: false, heapFull: false });
    expect(await neighbour.runner.exited).toMatchObject({ signal: "SIGKILL", asNeighbour: true });
    const next = await start(host, { does: "obey" });
    await next.heard("ready");
    expect(next.runner.pid).not.toBe(stuck.runner.pid);
  });
});

describe("without its supervisor", () => {
  it.each([
    ["process", "ProcessHost"],
    ["thread", "ThreadHost"],
  ])("a %s runner in an endless loop ends by itself", async (folder, name) => {
    const module = new URL(`../../dist/pool/${folder}/host.js`, import.meta.url).href;
    const code = `
      const { ${name} } = await import(${JSON.stringify(module)});
      const host = new ${name}({ entry: ${JSON.stringify(entry)} });
      const spec = { epoch: "e", settings: { does: "loop" }, slots: 1, hardMemoryBytes: null };
      const runner = await host.spawn(spec, { onMessage() {}, onWatchdog: ({ t }) => t === "loop-blocked" && console.log(runner.pid) });`;
    const supervisor = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = new Promise((resolve) => supervisor.once("close", resolve));
    const pid = await new Promise<number>((resolve) => supervisor.stdout.once("data", (text) => resolve(Number(text))));
    expect(isAlive(pid)).toBe(true);
    supervisor.kill("SIGKILL");
    await exited;
    await waitFor("the runner's end", () => !isAlive(pid));
  });
});
