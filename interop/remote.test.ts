// `lovage inspect` and `lovage control` against Python workers: every method, its answer and what it does.
import type { TaskInfo } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Child } from "./support/child.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

describe.skipIf(skipped)("the command line against Python's workers", () => {
  let site: Site;
  let scaling: Child;
  beforeAll(async () => {
    site = await Site.open(5);
    [, scaling] = await Promise.all([
      site.celeryWorker("py", "-Q", "py", "-c", "2"),
      site.celeryWorker("auto", "-Q", "auto", "--autoscale=3,1", "--", "worker.pool_restarts=yes"),
    ]);
  });
  afterAll(() => site?.close());

  /** What the node said; the command has to end with this code. */
  async function said<T = unknown>(node: string, words: readonly string[], code = 0): Promise<T> {
    const ended = await site.lovage(...words, "-d", `${node}@interop`, "-t", "10", "--json");
    expect(ended, words.join(" ")).toMatchObject({ code });
    return JSON.parse(ended.stdout)[`${node}@interop`] as T;
  }
  const inspect = <T = unknown>(...words: string[]) => said<T>("py", ["inspect", ...words]);
  const control = (...words: string[]) => said("py", ["control", ...words]);
  /** Looked at by the library, which is faster than a process. */
  async function stats(node: string) {
    const name = `${node}@interop`;
    const found = (await site.app.control.inspect("stats", {}, { destination: name, timeoutMs: 10_000 }))[name];
    if (found === undefined || "error" in found) throw new Error(`${name} says ${JSON.stringify(found)}`);
    return found as typeof found & { readonly autoscaler?: { readonly max: number; readonly min: number } };
  }

  it("asks all of them, in about the time that they take to answer", async () => {
    const { code, stdout } = await site.lovage("inspect", "ping", "-t", "60");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "NODE          ANSWER\nauto@interop  pong\npy@interop    pong\n\n2 nodes answered\n",
    });
    expect(Object.keys(await site.app.control.ping({ pattern: "a*", limit: 1 }))).toEqual(["auto@interop"]);
    expect(Object.keys(await site.app.control.ping({ pattern: "p.@", matcher: "pcre", limit: 1 }))).toEqual(["py@interop"]);
    expect((await site.lovage("inspect", "ping", "-d", "nobody@interop", "-t", "0.2", "-j")).code).toBe(69);
  });

  it("asks what they are: stats, conf, report, clock, memory, queues, tasks, and what their owner added", async () => {
    const [found, conf, all, report, clock, sample, dump, graph, queues, registered, builtin, custom] = await Promise.all([
      inspect<Record<string, unknown>>("stats"),
      inspect<Record<string, unknown>>("conf"),
      inspect<Record<string, unknown>>("conf", "true"),
      inspect("report"),
      inspect("clock"),
      inspect("memsample"),
      inspect("memdump", "3"),
      said<{ error?: string }>("py", ["inspect", "objgraph", "Request", "5"], 1),
      inspect<{ name: string }[]>("active_queues"),
      inspect<string[]>("registered", "name", "rate_limit"),
      inspect<string[]>("registered", "--arg", "builtins=true"),
      inspect("doubled", "--arg", "x=21"),
    ]);
    expect(found).toMatchObject({ pid: expect.any(Number), pool: { "max-concurrency": 2 }, total: expect.any(Object) });
    expect(conf).toMatchObject({ task_routes: expect.any(Object), result_backend: site.url });
    expect(all).toMatchObject({ task_routes: conf.task_routes, worker_prefetch_multiplier: 4 });
    expect(Object.keys(conf)).not.toContain("worker_prefetch_multiplier");
    expect(report).toEqual({ ok: expect.stringContaining("software -> celery:5") });
    expect(clock).toEqual({ clock: expect.any(Number) });
    expect(sample).toBeOneOf([null, expect.stringMatching(/MB$/)]); // null without psutil
    expect(dump).toEqual(expect.any(String));
    expect(graph.error).toMatch(/objgraph/); // which is not installed
    expect(queues.map(({ name }) => name)).toEqual(["py"]);
    expect(registered).toContain("py.add [name=py.add]");
    expect(builtin).toContain("celery.chord");
    expect(custom).toEqual({ doubled: 42 });
    expect(await said("py", ["inspect", "no_such_method"], 1)).toEqual({ error: "KeyError('no_such_method')" });
  });

  it("asks for tasks that run, wait and are to come; refuses and stops them", async () => {
    const sent = await Promise.all([1, 2, 3].map(() => site.app.send("py.nap", [60])));
    const later = await site.app.send("py.add", [1, 1], { countdown: "1h" });
    const active = await waitFor("two to run", async () => {
      const running = await inspect<TaskInfo[]>("active");
      return running.length === 2 ? running : undefined;
    });
    expect(active[0]).toMatchObject({ name: "py.nap", args: [60], kwargs: {}, hostname: "py@interop", worker_pid: expect.any(Number) });
    const reserved = await waitFor("one to wait", async () => (await inspect<TaskInfo[]>("reserved"))[0]);
    const scheduled = await waitFor("one to be put off", async () => (await inspect<{ request: TaskInfo }[]>("scheduled"))[0]);
    expect(scheduled.request.id).toBe(later.id);
    const [first, second] = active.map(({ id }) => id) as [string, string];
    expect(sent.map(({ id }) => id).sort()).toEqual([first, second, reserved.id].sort());
    expect(await inspect("query_task", first, reserved.id, "unknown")).toEqual({
      [first]: ["active", expect.objectContaining({ id: first })],
      [reserved.id]: ["reserved", expect.objectContaining({ id: reserved.id })],
    });

    expect(await control("revoke", reserved.id, later.id)).toEqual({ ok: expect.stringMatching(/^tasks .*flagged as revoked$/) });
    expect((await inspect<string[]>("revoked")).sort()).toEqual([reserved.id, later.id].sort());
    expect(await control("terminate", "SIGKILL", first, second)).toEqual({ ok: expect.stringMatching(/^terminate: /) });
    for (const { id } of sent) await expect(site.app.result(id).get({ timeoutMs: 20_000 })).rejects.toThrow(/revoked|terminated/i);
  });

  it("refuses by stamps where Celery has them", async () => {
    const words = ["control", "revoke_by_stamped_headers", "user=7", "user=8", "-d", "py@interop", "-t", "10", "--json"];
    const { code, stdout } = await site.lovage(...words);
    const answer = JSON.parse(stdout)["py@interop"];
    if (code === 1) return expect(answer).toEqual({ error: "KeyError('revoke_by_stamped_headers')" }); // before 5.3
    expect(answer).toEqual({ ok: expect.stringContaining("flagged as revoked") });
    const stamped = await site.app.send("py.add", [1, 1], { stamps: { user: "8" } });
    await expect(stamped.get({ timeoutMs: 20_000 })).rejects.toThrow(/revoked/i);
  });

  it("changes limits of a task", async () => {
    expect(await Promise.all([control("rate_limit", "py.add", "7000/m"), control("time_limit", "py.add", "20", "30")])).toEqual([
      { ok: "new rate limit set successfully" },
      { ok: "time limits set successfully" },
    ]);
    const shown = await inspect<string[]>("registered", "rate_limit", "soft_time_limit", "time_limit");
    expect(shown).toContain("py.add [rate_limit=7000/m soft_time_limit=20 time_limit=30]");
    expect(await site.app.control.rateLimit("py.add", 0, { destination: "py@interop", timeoutMs: 10_000 })).toEqual({
      "py@interop": { ok: "rate limit disabled successfully" },
    });
    const unknown = [
      ["rate_limit", "py.none", "7/m"],
      ["time_limit", "py.none", "7"],
    ].map((words) => said("py", ["control", ...words], 1));
    expect(await Promise.all(unknown)).toEqual([{ error: "unknown task" }, { error: "unknown task" }]);
  });

  it("changes what they consume from", async () => {
    const names = async () => (await inspect<{ name: string }[]>("active_queues")).map(({ name }) => name).sort();
    expect(await control("add_consumer", "more")).toEqual({ ok: "add consumer more" });
    await waitFor("the queue to be consumed", async () => (await names()).join() === "more,py");
    await (await site.app.send("py.add", [1, 2], { queue: "more" })).get({ timeoutMs: 20_000 });
    expect(await control("add_consumer", "far", "ex", "topic", "a.*")).toEqual({ ok: "add consumer far" });
    expect(await inspect("active_queues")).toContainEqual(
      expect.objectContaining({ name: "far", routing_key: "a.*", exchange: expect.objectContaining({ name: "ex", type: "topic" }) }),
    );
    for (const queue of ["more", "far"])
      expect(await control("cancel_consumer", queue)).toEqual({ ok: `no longer consuming from ${queue}` });
    await waitFor("the queues to be left", async () => (await names()).join() === "py");
  });

  it("changes how many tasks run at a time", async () => {
    expect(await control("pool_grow", "2")).toEqual({ ok: "pool will grow" });
    await waitFor("the pool to grow", async () => (await stats("py")).pool.processes?.length === 4);
    expect(await control("pool_shrink")).toEqual({ ok: "pool will shrink" });
    await waitFor("the pool to shrink", async () => (await stats("py")).pool.processes?.length === 3);
    expect(await said("auto", ["control", "pool_grow"], 1)).toEqual({ error: expect.stringContaining("not supported with autoscale") });
    expect(await said("auto", ["control", "autoscale", "5", "2"])).toEqual({ ok: "autoscale now max=5 min=2" });
    expect((await stats("auto")).autoscaler).toMatchObject({ max: 5, min: 2 });
    expect(await said("py", ["control", "autoscale", "5", "2"], 1)).toEqual({ error: "ValueError('Autoscale not enabled')" });
  });

  it("starts a pool anew where the worker allows it", async () => {
    const before = (await stats("auto")).pool.processes ?? [];
    expect(await said("auto", ["control", "pool_restart"])).toEqual({ ok: "reload started" });
    await waitFor("other processes", async () => {
      const after = (await stats("auto")).pool.processes ?? [];
      return after.length > 0 && !after.some((pid) => before.includes(pid));
    });
    expect(await said("py", ["control", "pool_restart"], 1)).toEqual({ error: "ValueError('Pool restarts not enabled')" });
  });

  it("turns events on and off, and asks for a heartbeat and an election", async () => {
    const heard = new Set<unknown>();
    const abort = new AbortController();
    const listening = site.app.events.handle({ "*": ({ type, uuid }) => void heard.add(uuid ?? type) }, { signal: abort.signal });
    await waitFor("a sign of life", () => heard.has("worker-heartbeat"));
    const run = async () => {
      const result = await site.app.send("py.add", [1, 1]);
      await result.get({ timeoutMs: 20_000 });
      return result.id;
    };
    expect(await control("enable_events")).toEqual({ ok: "task events enabled" });
    expect(await control("enable_events")).toEqual({ ok: "task events already enabled" });
    const told = await run();
    await waitFor("events of the task", () => heard.has(told));
    expect(await control("disable_events")).toEqual({ ok: "task events disabled" });
    expect(await control("disable_events")).toEqual({ ok: "task events already disabled" });
    const silent = await run();
    heard.clear();
    expect(await control("heartbeat")).toBeNull();
    expect(await control("election", "id-1", "topic")).toBeNull();
    await waitFor("the heartbeat and the election", () => heard.has("worker-heartbeat") && heard.has("worker-elect"));
    expect(heard).not.toContain(silent);
    abort.abort();
    await listening;
  });

  it("stops them", async () => {
    const { code, stdout } = await site.lovage("control", "shutdown", "-d", "auto@interop", "-t", "10", "-j");
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"auto@interop":null}\n' });
    expect(await scaling.ended).toBe(0);
    expect((await site.lovage("control", "shutdown", "-d", "auto@interop", "-t", "0.2")).code).toBe(69);
  });
});
