import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { WorkerOptions } from "lovage/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../../dist/control/ask.js";
import { commands } from "../../dist/control/commands/table.js";
import { busLink } from "../../dist/control/control-link.js";
import { Bench, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

const controlApp = fileURLToPath(new URL("./fixtures/control-app.ts", import.meta.url));

/** One node on a store of its own, and somebody who asks it. */
class Asked extends Bench {
  worker!: WorkerNode;

  async start(options: WorkerOptions): Promise<this> {
    this.worker = await this.node({ app: controlApp, name: "asked", ...options }).ready();
    return this;
  }

  async ask<T = unknown>(method: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const store = await this.app.store();
    const { name } = this.worker;
    const answers = await ask(store.pidbox ?? busLink(store.bus), { method, arguments: args, destination: [name], timeoutMs: 10_000 });
    if (!(name in answers)) throw new Error(`${method} was not answered: ${this.worker.tail()}`);
    return answers[name] as T;
  }

  send(task: string, args: readonly unknown[], queue = "celery") {
    return this.app.send(task, args, { queue });
  }
}

const all: { readonly bench: Asked; readonly options: WorkerOptions }[] = [];
/** Its node is there when the tests begin. */
function asked(options: WorkerOptions): Asked {
  const bench = new Asked();
  all.push({ bench, options });
  return bench;
}
// Side by side: most of their time goes into starting.
beforeAll(() => Promise.all(all.map(({ bench, options }) => bench.start(options))), 60_000);
afterAll(() => Promise.all(all.map(({ bench }) => bench.close())));

describe("limits that are changed while a node runs", () => {
  const bench = asked({ pool: "processes", concurrency: 2 });

  it("hold tasks back on this node, as a new rate says, and let them go where there is none any more", async () => {
    const file = bench.file();
    expect(await bench.ask("rate_limit", { task_name: "r.mark", rate_limit: "1/h" })).toEqual({ ok: "new rate limit set successfully" });
    const sent = await Promise.all(["a", "b", "c"].map((text) => bench.send("r.mark", [file, text])));
    await bench.started(file);
    const reserved = await waitFor("two to wait", async () => {
      const tasks = await bench.ask<{ readonly id: string }[]>("reserved");
      return tasks.length === 2 ? tasks : undefined;
    });
    expect(sent.map(({ id }) => id)).toEqual(expect.arrayContaining(reserved.map(({ id }) => id)));
    expect(await bench.ask("query_task", { ids: [reserved[0]?.id, "nosuch"] })).toEqual({
      [reserved[0]?.id as string]: ["reserved", expect.objectContaining({ time_start: null, worker_pid: null })],
    });
    expect(await bench.ask("registered")).toContain("r.mark [rate_limit=1/h]");
    expect(bench.lines(file)).toHaveLength(1);
    expect(await bench.ask("rate_limit", { task_name: "r.mark", rate_limit: 0 })).toEqual({ ok: "rate limit disabled successfully" });
    await bench.started(file, 3);
    expect(await bench.ask("registered")).toContain("r.mark");
  });

  it("stand in place of a declared rate, also for who waits for that, and in runners that come later", async () => {
    const file = bench.file();
    await Promise.all([1, 2, 3].map(() => bench.send("r.slow", [file])));
    await bench.started(file);
    await waitFor("two to wait", async () => (await bench.ask<unknown[]>("reserved")).length === 2);
    expect(await bench.ask("registered")).toContain("r.slow [rate_limit=1/h]");
    await bench.ask("rate_limit", { task_name: "r.slow", rate_limit: "1000/s" });
    await bench.started(file, 3);
    const before = await bench.worker.pids();
    for (const pid of before) process.kill(pid, "SIGKILL");
    await waitFor("other runners", async () => (await bench.worker.pids()).filter((pid) => !before.includes(pid)).length === 2);
    await Promise.all([1, 2].map(() => bench.send("r.slow", [file])));
    await bench.started(file, 5);
  });

  it("are refused for what is no rate and for what is no task", async () => {
    expect(await bench.ask("rate_limit", { task_name: "nosuch", rate_limit: "1/s" })).toEqual({ error: "unknown task" });
    expect(await bench.ask("time_limit", { task_name: "nosuch", soft: 1 })).toEqual({ error: "unknown task" });
    for (const rate of ["often", "1/d", "-1/s", "/s"])
      expect(await bench.ask("rate_limit", { task_name: "r.mark", rate_limit: rate })).toEqual({
        error: expect.stringMatching(/^Invalid rate/),
      });
  });

  it("end runs that begin from then on, and no others", { timeout: 30_000 }, async () => {
    const [gate, file] = [bench.file(), bench.file()];
    const spared = await bench.send("r.hold", [file, gate]);
    await bench.started(file);
    expect(await bench.ask("time_limit", { task_name: "r.hold", hard: 0.5 })).toEqual({ ok: "time limits set successfully" });
    const ended = await bench.send("r.hold", [file, bench.file()]);
    await expect(ended.get({ timeoutMs: 20_000 })).rejects.toMatchObject({ code: "LOVAGE_TIME_LIMIT" });
    expect(await bench.ask("registered", { taskinfoitems: ["time_limit"] })).toContain("r.hold [time_limit=0.5]");
    writeFileSync(gate, "");
    await spared.get({ timeoutMs: 20_000 });
  });
});

describe.each(["processes", "async"] as const)("queues of a node of the pool %s", (pool) => {
  // Of one slot, so that what is taken waits behind what runs.
  const bench = asked({ pool, concurrency: 1, prefetchMultiplier: 3 });
  const consumed = async () => (await bench.ask<{ readonly name: string }[]>("active_queues")).map(({ name }) => name);

  it("are added, also for runners that come later, and are announced", { timeout: 30_000 }, async () => {
    const file = bench.file();
    expect(await bench.ask("add_consumer", { queue: "more" })).toEqual({ ok: "add consumer more" });
    expect(await consumed()).toEqual(["celery", "more"]);
    await bench.send("r.mark", [file, "a"], "more");
    await bench.started(file);
    const [pid] = await bench.worker.pids();
    process.kill(pid as number, "SIGKILL");
    await bench.send("r.mark", [file, "b"], "more");
    await bench.started(file, 2);
    const { leases } = await bench.app.store();
    await waitFor("the announcement", async () => (await leases.fleet()).nodes[0]?.info.queues.includes("more"));
  });

  it("are cancelled: what has not begun goes back, what runs goes on", { timeout: 30_000 }, async () => {
    const [file, gate] = [bench.file(), bench.file()];
    const running = await bench.send("r.hold", [file, gate], "more");
    await bench.started(file);
    await bench.send("r.mark", [file, "behind"], "more");
    await waitFor("it to be taken", async () => (await bench.ask<unknown[]>("reserved")).length === 1);
    expect(await bench.ask("cancel_consumer", { queue: "more" })).toEqual({ ok: "no longer consuming from more" });
    expect(await consumed()).toEqual(["celery"]);
    await waitFor("it to be back", async () => (await bench.depth("more")) === 1);
    writeFileSync(gate, "");
    await running.get({ timeoutMs: 10_000 });
    await (await bench.send("r.mark", [file, "other"])).get({ timeoutMs: 10_000 });
    expect(await bench.depth("more")).toBe(1);
    expect(bench.lines(file)).toEqual(["+", "other"]);
    await bench.ask("add_consumer", { queue: "more" });
    await bench.started(file, 3);
  });

  it("may be none for a while", { timeout: 30_000 }, async () => {
    const file = bench.file();
    for (const queue of ["more", "celery"]) await bench.ask("cancel_consumer", { queue });
    expect(await consumed()).toEqual([]);
    await bench.send("r.mark", [file, "later"]);
    expect(await bench.ask("ping")).toEqual({ ok: "pong" });
    await bench.ask("add_consumer", { queue: "celery" });
    await bench.started(file);
  });
});

describe("control commands of the app's own", () => {
  const bench = asked({ pool: "processes", concurrency: 2 });

  it("run in a runner, and what they return is the node's answer", async () => {
    const { worker } = bench;
    const greeting = await bench.ask<{ readonly pid: number }>("greet", { who: ["you"] });
    expect(greeting).toEqual({ node: worker.name, pid: expect.any(Number), args: { who: ["you"] } });
    expect(await worker.pids()).toContain(greeting.pid);
    expect(await bench.ask("odd")).toEqual({ when: "1970-01-01T00:00:00.000Z" });
  });

  it("that throw, answer nonsense or never answer are errors", async () => {
    expect(await bench.ask("refuse")).toEqual({ error: "RangeError('not today')" });
    for (const method of ["circle", "huge", "big"])
      expect(await bench.ask(method)).toEqual({ error: expect.stringMatching(/^\w*Error\(/) });
    expect(await bench.ask("never")).toEqual({ error: "Error('never has not answered within 200 ms')" });
    expect(await bench.ask("nosuch")).toEqual({ error: "KeyError('nosuch')" });
  });

  it("run beside a runner that is blocked, and are refused where all are", { timeout: 30_000 }, async () => {
    const file = bench.file();
    for (const count of [1, 2]) {
      await bench.send("r.loop", [file]);
      await bench.started(file, count);
      const blocked = () => new Set(bench.worker.logged("runner.loop-blocked").map(({ pid }) => pid));
      await waitFor("the loop to be noticed", () => blocked().size === count);
      if (count === 1) expect(await bench.ask("greet")).toMatchObject({ node: bench.worker.name });
    }
    expect(await bench.ask("greet")).toEqual({
      error: "Error('greet cannot be run: code of tasks blocks all 2 runners of this node')",
    });
  });
});

describe("whatever anybody asks of a node", () => {
  const bench = asked({ pool: "solo" });

  const values = [
    null,
    true,
    -1,
    1.5,
    1e308,
    2 ** 60,
    "",
    "x",
    "x".repeat(5000),
    "__proto__",
    [],
    [[]],
    [null, 1, {}],
    {},
    { a: { b: [1] } },
  ];
  const names = ["task_id", "ids", "terminate", "signal", "headers", "task_name", "rate_limit", "hard", "soft", "queue", "exchange"];
  names.push(
    "exchange_type",
    "routing_key",
    "n",
    "max",
    "min",
    "modules",
    "safe",
    "taskinfoitems",
    "builtins",
    "with_defaults",
    "from_node",
  );

  it("it answers, and goes on", { timeout: 60_000 }, async () => {
    const methods = [...commands.keys()].filter(
      (method) => method !== "shutdown" && method !== "pool_restart" && !method.startsWith("dump_"),
    );
    const hostile = values.map((value) => Object.fromEntries(names.map((name) => [name, value])));
    for (const method of methods) {
      // With one argument that can be used, the others are looked at too.
      const usable = { task_name: "r.mark", queue: "extra", task_id: "some", ids: ["some"], from_node: "x@y" };
      const given = [...hostile, ...hostile.map((args) => ({ ...args, ...usable }))];
      for (const answer of await Promise.all(given.map((args) => bench.ask(method, args))))
        expect(JSON.stringify(answer)).toBeTypeOf("string");
    }
    expect(await bench.ask("ping")).toEqual({ ok: "pong" });
    const file = bench.file();
    await bench.ask("rate_limit", { task_name: "r.mark", rate_limit: 0 });
    await bench.ask("time_limit", { task_name: "r.mark" });
    for (const { name } of await bench.ask<{ readonly name: string }[]>("active_queues"))
      if (name !== "celery") await bench.ask("cancel_consumer", { queue: name });
    await bench.ask("add_consumer", { queue: "celery" });
    await bench.send("r.mark", [file, "still there"]);
    await bench.started(file);
    expect(bench.worker.other).toBe("");
  });

  it("its runners are replaced when it is told to, and it ends when it is told to", { timeout: 30_000 }, async () => {
    const [file, gate] = [bench.file(), bench.file()];
    const running = await bench.send("r.hold", [file, gate]);
    await bench.started(file);
    const [before] = await bench.worker.pids();
    expect(await bench.ask("pool_restart", { modules: ["x"], reload: true })).toEqual({ ok: "reload started" });
    writeFileSync(gate, "");
    await running.get({ timeoutMs: 10_000 });
    await waitFor("another runner", async () => {
      const [pid] = await bench.worker.pids();
      return pid !== undefined && pid !== before;
    });
    const { pidbox, bus } = await bench.app.store();
    expect(await ask(pidbox ?? busLink(bus), { method: "shutdown", destination: [bench.worker.name], timeoutMs: 200 })).toEqual({});
    expect(await bench.worker.exited).toBe(0);
    expect(existsSync(gate)).toBe(true);
  });
});
