import { describe, expect, it } from "vitest";
import { argumentsOf } from "./arguments.ts";
import { methodName, methods, signatureOf } from "./methods.ts";
import { textOf } from "./views.ts";

const { inspect, control } = methods;
const info = {
  id: "id-1",
  name: "t.add",
  type: "t.add",
  args: [2, 3],
  kwargs: {},
  time_start: 1_900_000_000.5,
  worker_pid: 42,
  acknowledged: true,
};

describe("the words after a method", () => {
  it("become its arguments, by Celery's names", () => {
    expect(argumentsOf("rate_limit", control.rate_limit, ["t.add", "10/m"], [])).toEqual({ task_name: "t.add", rate_limit: "10/m" });
    expect(argumentsOf("time_limit", control.time_limit, ["t.add", "1.5", "3"], [])).toEqual({ task_name: "t.add", soft: 1.5, hard: 3 });
    expect(argumentsOf("add_consumer", control.add_consumer, ["q", "e"], [])).toEqual({ queue: "q", exchange: "e" });
    expect(argumentsOf("terminate", control.terminate, ["SIGKILL", "a", "b"], [])).toEqual({ signal: "SIGKILL", task_id: ["a", "b"] });
    expect(argumentsOf("conf", inspect.conf, ["yes"], [])).toEqual({ with_defaults: true });
    expect(argumentsOf("pool_grow", control.pool_grow, [], [])).toEqual({});
    expect(argumentsOf("revoke_by_stamped_headers", control.revoke_by_stamped_headers, ["u=1", "u=x", "v=y"], [])).toEqual({
      headers: { u: ["1", 1, "x"], v: ["y"] },
    });
  });

  it("may be given by name, and are for what is none of Celery's methods", () => {
    expect(argumentsOf("revoke", control.revoke, ["a"], ["terminate=true"])).toEqual({ task_id: ["a"], terminate: true });
    expect(argumentsOf("rate_limit", control.rate_limit, [], ["task_name=t", "rate_limit=5/m"])).toEqual({
      task_name: "t",
      rate_limit: "5/m",
    });
    expect(argumentsOf("mine", undefined, [], ['x={"a":1}', "y=text"])).toEqual({ x: { a: 1 }, y: "text" });
  });

  it.each([
    [
      "too few",
      () => argumentsOf("rate_limit", control.rate_limit, ["t"], []),
      /rate_limit <task_name> <rate_limit>: rate_limit is missing/,
    ],
    ["none", () => argumentsOf("revoke", control.revoke, [], []), /revoke <task_id\.\.\.>: task_id is missing/],
    ["too many", () => argumentsOf("ping", inspect.ping, ["x"], []), /It takes ping: "x" is too much/],
    ["no number", () => argumentsOf("pool_grow", control.pool_grow, ["many"], []), /n takes a whole number, 0 or more, got "many"/],
    ["neither true nor false", () => argumentsOf("conf", inspect.conf, ["maybe"], []), /with_defaults takes true or false, got "maybe"/],
    ["no pair", () => argumentsOf("ping", inspect.ping, [], ["x"]), /name=value, its value JSON or text; got "x"/],
    ["words for a stranger", () => argumentsOf("mine", undefined, ["x"], []), /none of Celery's methods.*--arg x=1/],
  ])("are refused: %s", (_, read, says) => {
    expect(read).toThrow(says);
    expect(read).toThrow(expect.objectContaining({ code: "LOVAGE_USAGE" }));
  });

  it("are shown as they are read; older names and dashes mean the same", () => {
    expect(signatureOf("add_consumer", control.add_consumer as never)).toBe(
      "add_consumer <queue> [exchange] [exchange_type] [routing_key]",
    );
    expect(["dump_tasks", "rate-limit", "mine"].map(methodName)).toEqual(["registered", "rate_limit", "mine"]);
  });
});

describe("what nodes answered", () => {
  it("is one table where all are short, refusals apart", () => {
    expect(textOf("pool_grow", { "b@x": { ok: "pool will grow" }, "a@x": { error: "no" } })).toBe(
      ["NODE  ANSWER", "b@x   pool will grow", "", "NODE  ERROR", "a@x   no", "", "2 nodes answered"].join("\n"),
    );
    expect(textOf("heartbeat", { "a@x": null })).toContain("a@x   done\n\n1 node answered");
  });

  it("is a row for each task, and one for a node without any", () => {
    expect(
      textOf("active", { "a@x": [info], "b@x": [] })
        .split("\n")
        .slice(0, 3),
    ).toEqual([
      "NODE  ID    TASK   ARGS   KWARGS  STARTED               PID",
      "a@x   id-1  t.add  [2,3]  {}      2030-03-17T17:46:40Z   42",
      "b@x   -     -      -      -       -                       -",
    ]);
    expect(textOf("scheduled", { "a@x": [{ eta: "2030-01-01T00:00:00+00:00", priority: 6, request: info }] })).toMatch(
      /^a@x +2030-01-01T00:00:00\+00:00 +id-1 +t\.add/m,
    );
    expect(textOf("query_task", { "a@x": { "id-1": ["reserved", { ...info, time_start: null }] } })).toMatch(
      /^a@x +reserved +id-1 +t\.add +\[2,3\] +\{\} +- +42$/m,
    );
    expect(textOf("active", { "a@x": [{ ...info, args: "x".repeat(100) }] })).toContain(`${"x".repeat(39)}…`);
  });

  it("is a block for each node where it is long", () => {
    expect(textOf("registered", { "a@x": ["t.add [rate_limit=1/m]", "t.b"], "b@x": [] })).toBe(
      "a@x\n  t.add [rate_limit=1/m]\n  t.b\n\nb@x\n  none\n\n2 nodes answered",
    );
    expect(textOf("report", { "a@x": { ok: "\nsoftware -> celery\n\nplatform -> x\n" } })).toMatch(
      /^a@x\n {2}software -> celery\n\n {2}platform -> x\n\n1 node/,
    );
    expect(textOf("conf", { "a@x": { broker_url: "redis://", include: ["t"] } })).toMatch(
      /^a@x\n {2}broker_url {2}redis:\/\/\n {2}include {5}\["t"\]/,
    );
  });

  it("names what matters of stats, and what it does not know", () => {
    const stats = {
      pid: 7,
      clock: "9",
      uptime: 3675,
      total: { "t.add": 3 },
      prefetch_count: 4,
      pool: { "max-concurrency": 2, processes: [8, 9] },
      broker: { transport: "redis", hostname: "h", port: 6379, virtual_host: "0" },
      rusage: { utime: 1.26, stime: 0.5, maxrss: 52_224 },
      new_in_6: [1],
    };
    const text = textOf("stats", { "a@x": stats });
    for (const [name, value] of [
      ["uptime", "1 h 1 min 15 s"],
      ["pool", "2 at a time"],
      ["processes", "8, 9"],
      ["broker", "redis://h:6379/0"],
      ["cpu", "1.3 s user, 0.5 s system"],
      ["memory", "51 MB at most"],
      ["new_in_6", "[1]"],
      ["tasks", "t.add 3"],
    ])
      expect(text.split("\n")).toContainEqual(
        expect.stringMatching(new RegExp(`^ {2}${name} +${(value ?? "").replace(/[[\]/]/g, "\\$&")}$`)),
      );
  });

  it("is shown as it is where it does not look as it should", () => {
    expect(textOf("active", { "a@x": "nothing" })).toBe("NODE  ANSWER\na@x   nothing\n\n1 node answered");
    expect(textOf("stats", { "a@x": { pool: 5 } })).toContain('a@x   {"pool":5}');
    expect(textOf("mine", { "a@x": { deep: [1] } })).toContain('a@x   {"deep":[1]}');
  });
});
