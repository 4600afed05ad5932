import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

let bench: Bench;
const nodeOptions = process.env.NODE_OPTIONS;
beforeEach(() => {
  bench = new Bench();
});
afterEach(async () => {
  if (nodeOptions === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = nodeOptions;
  await bench.close();
});

const causesLogged = (node: WorkerNode, event: string) => [...new Set(node.logged(event).map(({ cause }) => cause))];

/** Runs until it is given up; the causes in the log and in the dead letter. */
async function causeOf(how: string, node: WorkerNode) {
  const poison = await bench.app.send("t.perish", [bench.file(), how]);
  await expect(poison.get({ timeoutMs: 30_000 })).rejects.toMatchObject({ name: "WorkerLostError" });
  const [letter] = await (await bench.app.store()).deadLetters.list(1);
  return { logged: causesLogged(node, "runner.died"), letter: letter?.cause };
}

describe("the cause of a death", () => {
  it.each([
    ["abort", "solo", "abort"],
    ["exit", "async", "exit"],
    ["segfault", "solo", "segfault"],
    ["kill", "solo", "killed"],
    ["heap", "async", "heap-limit"],
  ] as const)("by %s in the pool %s is told as %s, in the log and in the dead letter", async (how, pool, cause) => {
    if (how === "heap") process.env.NODE_OPTIONS = `${nodeOptions ?? ""} --max-old-space-size=64`.trim();
    const node = await bench.node({ pool, ...(pool === "async" && { concurrency: 2 }) }).ready();
    expect(await causeOf(how, node)).toEqual({ logged: [cause], letter: cause });
  });
});

it("tells a full heap of a thread, which takes no neighbour along", async () => {
  process.env.NODE_OPTIONS = `${nodeOptions ?? ""} --max-old-space-size=64`.trim();
  const node = await bench.node({ pool: "threads", concurrency: 2 }).ready();
  expect(await causeOf("heap", node)).toEqual({ logged: ["heap-limit"], letter: "heap-limit" });
});

it("tells our own limits, cancels and stops from deaths", async () => {
  const node = await bench.node({ pool: "solo" }).ready();
  const limited = await bench.app.send("t.shortLoop", [bench.file()]);
  await expect(limited.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "TimeLimitError" });
  await waitFor("the end of its code", () => node.logged("runner.gone").length === 1);
  const file = bench.file();
  const cancelled = await bench.app.send("t.loop", [file]);
  await bench.started(file);
  await cancelled.revoke({ terminate: true, killAfterMs: 100 });
  await expect(cancelled.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "TaskRevokedError" });
  const other = bench.file();
  await bench.app.send("t.loop", [other]);
  await bench.started(other);
  node.child.kill("SIGQUIT");
  await node.exited;
  expect(causesLogged(node, "runner.gone")).toEqual(["time-limit", "cancelled", "stopped"]);
  expect(node.logged("runner.died")).toEqual([]);
});

/** The memory controller's folder of version 1 that we may make a group in; undefined: the system does not let us. */
const group = (() => {
  try {
    const made = join("/sys/fs/cgroup/memory", `lovage-test-${process.pid}`);
    mkdirSync(made);
    readFileSync(join(made, "memory.oom_control"));
    return made;
  } catch {
    return undefined;
  }
})();

describe.skipIf(group === undefined)("a control group that is out of memory", () => {
  afterEach(async () => {
    await waitFor("the group to be empty", () => readFileSync(join(group as string, "cgroup.procs"), "utf8").trim() === "");
    rmdirSync(group as string);
  });

  it("is told from a kill by somebody else", { timeout: 60_000 }, async () => {
    const node = bench.node({ pool: "solo" });
    writeFileSync(join(group as string, "cgroup.procs"), String(node.pid));
    await node.ready();
    writeFileSync(join(group as string, "memory.limit_in_bytes"), String(400 * 1024 * 1024));
    expect(await causeOf("memory", node)).toEqual({ logged: ["out-of-memory"], letter: "out-of-memory" });
    await bench.close();
  });
});
