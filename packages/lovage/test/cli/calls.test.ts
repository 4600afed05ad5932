import { createApp, type SendOptions } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appModule, Desk, type Running } from "./cli.ts";

const skipsRedis = process.env.LOVAGE_SKIP_REDIS !== undefined;

describe.each(["sqlite", "redis"] as const)("on %s", (kind) => {
  describe.skipIf(kind === "redis" && skipsRedis)("", () => {
    let desk: Desk;
    let redis: RedisServer | undefined;
    let worker: Running;
    beforeAll(async () => {
      redis = kind === "redis" ? await startRedis() : undefined;
      desk = new Desk(redis?.url);
      worker = await desk.worker("-Q", "celery,named", "-n", "node@%n", "-P", "processes", "-c", "2");
    });
    afterAll(async () => {
      await desk?.close();
      await redis?.stop();
    });

    it("lovage call prints the id, and lovage result finds it", async () => {
      const { code, stdout } = await desk.run("call", "t.add", "2", "3");
      expect(code).toBe(0);
      expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);
      const result = await desk.run("result", stdout.trim(), "--wait");
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(result.stdout).toMatch(new RegExp(`^id      ${stdout.trim()}\nstate   SUCCESS\nresult  5\ndone    \\S+\n$`));
    });

    it("lovage call --wait prints the result, also of keywords, negative numbers and text that is no JSON", async () => {
      expect(await desk.run("call", "t.add", "-1", "3", "--wait")).toMatchObject({ code: 0, stdout: "2\n" });
      expect(await desk.run("call", "t.add", "-k", '{"x": 40, "y": 2}', "--wait", "--timeout", "20")).toMatchObject({ stdout: "42\n" });
      expect(await desk.run("call", "t.give", "text", "--wait")).toMatchObject({ code: 0, stdout: '"a text"\n' });
      expect(await desk.json("call", "t.add", "1", "1", "--wait")).toEqual({ id: expect.any(String), result: 2 });
    });

    it("prints what plain JSON has no room for as it goes over the wire", async () => {
      expect(await desk.run("call", "t.give", "big", "--wait")).toMatchObject({ code: 0, stdout: "12345678901234567890\n" });
      const { stdout } = await desk.run("call", "t.give", "date", "--wait");
      expect(JSON.parse(stdout)).toMatchObject({ __type__: "datetime", __value__: expect.stringContaining("2030-01-02T03:04:05") });
    });

    it("sends by the routes of the app that -A names", async () => {
      expect(await desk.run("call", "t.named", "-A", appModule, "--wait")).toMatchObject({ code: 0, stdout: '"named"\n' });
    });

    it("lovage result ends with 1 for a failure, and says which", async () => {
      const called = await desk.run("call", "t.fail", "no such pot", "--wait");
      expect(called).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/no such pot.*\[LOVAGE_TASK_FAILED\]/) });
      const { id } = await desk.json<{ id: string }>("call", "t.fail", "no such pot");
      const text = await desk.run("result", id, "--wait", "--traceback");
      expect(text).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/state {2}FAILURE\nerror {2}TypeError: no such pot\n(?:.*\n)*.*boom\.ts/),
      });
      const json = await desk.run("result", id, "--json");
      expect(json.code).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject({ task_id: id, status: "FAILURE", result: { exc_type: "TypeError" } });
    });

    it("lovage result waits no longer than it was told", async () => {
      const ran = await desk.run("result", "nobody-sent-this", "--wait", "--timeout", "0.2");
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("[LOVAGE_WAIT_TIMEOUT]") });
      expect(ran.stderr).toContain("Nothing is stored under the id nobody-sent-this after 0.2 s: ");
      expect(await desk.run("result", "nobody-sent-this")).toMatchObject({ code: 1, stdout: expect.stringContaining("state  PENDING") });
    });

    it("lovage status lists nodes with the pids of supervisor and runners", async () => {
      const { nodes } = await desk.json<{ nodes: { name: string; runners: number[] }[] }>("status");
      expect(nodes).toEqual([
        {
          name: expect.stringMatching(/^node@/),
          kind: "lovage",
          pool: "processes",
          slots: 2,
          queues: ["celery", "named"],
          pid: worker.pid,
          runners: [expect.any(Number), expect.any(Number)],
          answers: true,
        },
      ]);
      for (const pid of nodes[0]?.runners ?? []) expect(process.kill(pid, 0)).toBe(true);
      const { code, stdout } = await desk.run("status", "-t", "0.5");
      expect(code).toBe(0);
      const [head = "", row = "", empty, online] = stdout.split("\n");
      expect([empty, online]).toEqual(["", "1 node online"]);
      for (const title of ["KIND", "POOL", "QUEUES", "RUNNERS", "ANSWERS"]) expect(row[head.indexOf(title) - 1], title).toBe(" ");
      expect(row.slice(head.indexOf("QUEUES")).startsWith("celery,named")).toBe(true);
    });

    it("lovage call takes Celery's flags", async () => {
      expect(await desk.run("call", "t.add", "--args", "[40, 2]", "--routing-key", "named", "--exchange", "", "--wait")).toMatchObject({
        stdout: "42\n",
      });
      const late = new Date(Date.now() + 3_600_000).toISOString();
      await desk.run(
        "call",
        "t.add",
        "-a",
        "[1]",
        "-k",
        '{"y": 2}',
        "--eta",
        late,
        "--expires",
        late,
        "-Q",
        "taken",
        "--serializer",
        "json",
      );
      const app = createApp({ broker: desk.broker });
      try {
        const { broker } = await app.store();
        const found = [];
        for await (const page of broker.queues.scan())
          found.push(...page.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()).headers));
        expect(found).toMatchObject([{ task: "t.add", eta: late.replace(/Z$/, "000+00:00"), expires: late.replace(/Z$/, "000+00:00") }]);
      } finally {
        await app.close();
      }
      expect(await desk.json("purge", "-Q", "taken,named", "-X", "named", "-f")).toEqual({ queues: ["taken"], waiting: 1, purged: 1 });
    });

    it("lovage purge removes what waits, and asks nobody where nobody is", async () => {
      for (const x of ["1", "2", "3"]) await desk.run("call", "t.add", x, "1", "-Q", "nobody");
      await desk.run("call", "t.add", "4", "1", "-Q", "nobody", "--countdown", "1h");
      expect(await desk.run("purge", "-Q", "nobody", "--dry-run")).toMatchObject({ code: 0, stdout: "4 waiting messages in nobody.\n" });
      expect(await desk.run("purge", "-Q", "nobody")).toMatchObject({ code: 64, stderr: expect.stringContaining("--force") });
      expect(await desk.json("purge", "-Q", "nobody", "-f")).toEqual({ queues: ["nobody"], waiting: 4, purged: 4 });
      expect(await desk.run("purge", "-Q", "nobody", "-f")).toMatchObject({ code: 0, stdout: "Removed 0 waiting messages from nobody.\n" });
    });

    it("lovage revoke refuses by id, tag, correlation id, root and stamp, and says how many it meets", async () => {
      const app = createApp({ broker: desk.broker });
      try {
        const send = async (options: SendOptions) => (await app.send("t.add", [1, 1], { queue: "nobody", ...options })).id;
        const ids = [
          await send({ tags: ["user:1"] }),
          await send({ correlationId: "c" }),
          await send({ stamps: { n: 1 } }),
          await send({}),
        ];
        const met = (waiting: number) => ({ waiting, parked: 0, running: 0 });
        expect(await desk.json("revoke", "--tag", "user:1", "--dry-run")).toEqual({ revoked: false, ...met(1) });
        expect(await desk.json("revoke", "--tag", "user:1", "--correlation-id", "c")).toEqual({ revoked: true, ...met(2) });
        expect(await desk.json("revoke", "--stamp", "n=1", "--root", ids[3] as string)).toEqual({ revoked: true, ...met(2) });
        expect(await desk.run("revoke", ids[0] as string, "--terminate", "-s", "KILL")).toMatchObject({
          code: 0,
          stdout: "Revoked. It meets 1 waiting, 0 parked and 0 running now.\n",
        });
        expect(await desk.run("revoke", "--tag", "no-such", "--terminate", "--kill-after", "1500ms", "--dry-run")).toMatchObject({
          code: 0,
        });
        expect(await desk.run("revoke", "--tag", "no-such", "--terminate", "--kill-after", "soon")).toMatchObject({
          code: 64,
          stderr: expect.stringContaining('--kill-after takes seconds, or text with a unit such as "90s", "5m", got "soon"'),
        });
        expect(await desk.run("revoke")).toMatchObject({ code: 64, stderr: expect.stringContaining("--tag") });
        for (const nothing of [[""], ["--tag", ""], ["--correlation-id", ""], ["--root", ""], ["x", "--dry-run", "--tag="]])
          expect(await desk.run("revoke", ...nothing)).toMatchObject({
            code: 64,
            stdout: "",
            stderr: expect.stringContaining("not empty"),
          });
        expect(await desk.run("revoke", "x", "-s", "KILL")).toMatchObject({ code: 64, stderr: expect.stringContaining("--terminate") });
        const { revokes } = await (await app.store()).revokes.since(0, 100);
        expect(revokes.map(({ by, signal }) => [by, signal])).toEqual([
          ...["stamp", "stamp", "root", "stamp"].map((by) => [by, undefined]),
          ["id", "SIGKILL"],
        ]);
        await desk.run("purge", "-Q", "nobody", "-f");
      } finally {
        await app.close();
      }
    });

    it("lovage result of a run that was told to stop says so, and no more", async () => {
      const app = createApp({ broker: desk.broker });
      try {
        await (await app.store()).state.write([{ key: "cancelling/told-to-stop", value: "1", expiresMs: 60_000 }]);
        expect(await desk.run("result", "told-to-stop")).toMatchObject({ code: 1, stdout: "id     told-to-stop\nstate  CANCELLING\n" });
      } finally {
        await app.close();
      }
    });

    it("lovage report says what the store keeps and where settings come from", async () => {
      await desk.run("call", "t.add", "1", "1", "-Q", "waiting");
      const report = await desk.json<{ settings: { name: string; value: unknown; source: string }[]; store: { durability: string } }>(
        "report",
        "-A",
        appModule,
      );
      expect(report).toMatchObject({ app: "cli-tests", node: process.version, deadLetters: 0 });
      expect(report).toMatchObject({ queues: expect.arrayContaining([{ name: "waiting", waiting: 1 }]) });
      expect(report.store.durability).not.toBe("");
      const broker = report.settings.find(({ name }) => name === "broker");
      expect(broker).toEqual({ name: "broker", value: desk.broker, source: "environment LOVAGE_BROKER" });
      const { stdout } = await desk.run("report");
      expect(stdout).toMatch(/^keeps +\S/m);
      expect(stdout).toMatch(/^QUEUE +WAITING\n/m);
      await desk.run("purge", "-Q", "waiting", "-f");
    });
  });
});

describe("without a node", () => {
  let desk: Desk;
  beforeAll(() => {
    desk = new Desk();
  });
  afterAll(() => desk.close());

  it("lovage status ends with 69, and with --wait sees one that comes", async () => {
    const none = await desk.run("status", "-t", "0.2");
    expect(none).toMatchObject({ code: 69, stdout: expect.stringMatching(/\n\n0 nodes online\n$/) });
    const waiting = desk.start(["status", "--wait", "30", "-t", "0.2", "--json"]);
    const worker = await desk.worker("-n", "late");
    const { code, stdout } = await waiting.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout).nodes).toMatchObject([{ name: expect.stringMatching(/^late@/), pid: worker.pid }]);
    await worker.stop();
  });

  it.each(["sqlite", "redis"] as const)("lovage report lists the app's queues although nothing was ever sent (%s)", async (kind) => {
    if (kind === "redis" && skipsRedis) return;
    const redis = kind === "redis" ? await startRedis() : undefined;
    const idle = new Desk(redis?.url);
    const { stdout } = await idle.run("report");
    expect(stdout).toMatch(/^QUEUE +WAITING\ncelery +0$/m);
    await idle.close();
    await redis?.stop();
  });

  it("says that the store is away, and ends with 69", async () => {
    const lines = ["status", "inspect ping", "control heartbeat", "graph workers", "purge -f"];
    const ends = await Promise.all(lines.map((line) => desk.run(...line.split(" "), "-b", "redis://127.0.0.1:1/0")));
    for (const { code, stdout, stderr } of ends) {
      expect({ code, stdout }).toEqual({ code: 69, stdout: "" });
      expect(stderr).toMatch(/^redis:\/\/127\.0\.0\.1:1\/0 did not answer.*\[LOVAGE_BROKER_UNAVAILABLE\]\n$/);
    }
  });

  it("lovage report hides passwords, and says the rest where the store is away", async () => {
    const environment = { LOVAGE_BROKER: "redis://me:hush@127.0.0.1:1/0?password=hush", LOVAGE_STATE: "redis://:hush@127.0.0.1:1/1" };
    for (const flags of [[], ["--json"]]) {
      const { code, stdout, stderr } = await desk.start(["report", ...flags], environment).ended;
      expect(code).toBe(69);
      expect(stdout).toContain("LOVAGE_BROKER_UNAVAILABLE");
      expect(stdout).toContain("redis://me:***@127.0.0.1:1/0?password=***");
      expect(stdout + stderr).not.toContain("hush");
    }
  });

  it.each(["redis://:hu/sh@x@127.0.0.1:1/0", "redis://:hu#sh@127.0.0.1:1/0", "redis://u:12?sh@h:1/0", "redis://:100%hush@127.0.0.1:1/0"])(
    "lovage report hides the password in a malformed URL: %s",
    async (broker) => {
      for (const [flags, environment] of [
        [[], { LOVAGE_BROKER: broker }],
        [["--json", "-b", broker], {}],
      ] as const) {
        const { code, stdout, stderr } = await desk.start(["report", ...flags], environment).ended;
        expect(code).toBe(78);
        expect(stdout).toMatch(/LOVAGE_STORE_URL/);
        expect(stdout).toMatch(/Percent-encode user and password/);
        expect(stdout + stderr).not.toMatch(/hush|hu[/#]|12\?|sh@/);
      }
    },
  );

  it("lovage report hides the password where the scheme is misspelled", async () => {
    const { code, stdout, stderr } = await desk.start(["report"], { LOVAGE_BROKER: "redis//:hush@127.0.0.1:1/0" }).ended;
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toMatch(/redis\/\/:\*{3}@127.*LOVAGE_SETTING_INVALID/);
  });

  it("reads REDIS_URL, and -b over it", async () => {
    const broker = async (...flags: string[]) => {
      const { stdout } = await desk.start(["report", "--json", ...flags], { LOVAGE_BROKER: undefined, REDIS_URL: "redis://127.0.0.1:1" })
        .ended;
      return JSON.parse(stdout).settings.find(({ name }: { name: string }) => name === "broker");
    };
    expect(await broker()).toEqual({ name: "broker", value: "redis://127.0.0.1:1", source: "environment REDIS_URL" });
    expect(await broker("-b", desk.broker)).toEqual({ name: "broker", value: desk.broker, source: "flags" });
  });

  it.each([
    ["no task", ["call"], /missing required argument 'task'/],
    ["keywords that are no object", ["call", "t", "--kwargs", "[1]"], /--kwargs takes a JSON object such as .*got \[1\]/],
    ["keywords that are no JSON", ["call", "t", "-k", "{x: 1}"], /--kwargs takes a JSON object/],
    ["a priority that is none", ["call", "t", "--priority", "-1"], /--priority takes a whole number, 0 to 9, got "-1"/],
    ["a countdown that is no time", ["call", "t", "--countdown", "soon"], /--countdown takes seconds/],
    ["no id", ["result"], /missing required argument 'id'/],
    ["no queue that is left", ["purge", "-f", "-X", "celery"], /-X leaves no queue to purge: celery/],
    ["arguments twice", ["call", "t", "1", "--args", "[2]"], /not in both: "1" is too much/],
    ["arguments that are no list", ["call", "t", "--args", "2"], /--args takes a JSON array such as .*got 2/],
    ["a moment without an offset", ["call", "t", "--eta", "2030-01-02T03:04:05"], /--eta takes a moment with its offset/],
    ["a moment that is a day", ["call", "t", "--expires", "2030-01-02"], /--expires takes a moment with its offset/],
    ["an exchange", ["call", "t", "--exchange", "e"], /--exchange takes "".*got "e": name the queue/],
    ["two queues", ["call", "t", "-Q", "a", "--routing-key", "b"], /a task goes to one queue/],
    ["another serializer", ["call", "t", "--serializer", "yaml"], /--serializer takes json, got "yaml"/],
    ["no method", ["inspect"], /lovage inspect needs a method: active, /],
    ["a method of the other command", ["inspect", "rate-limit", "t", "1/m"], /rate_limit is a method of lovage control/],
    ["a matcher that is none", ["control", "pool_grow", "--pattern", "a", "--matcher", "sql"], /--matcher takes glob or pcre, got "sql"/],
    ["queues without a name", ["purge", "-f", "-Q", ","], /-Q takes names separated by commas, got ","/],
    ["a port that is none", ["serve", "-A", appModule, "--port", "70000"], /--port takes a whole number, 0 to 65535, got "70000"/],
    ["serving without a module", ["serve"], /needs -A MODULE/],
    ["serving what has no jobs", ["serve", "-A", appModule], /exports no "jobs".*\[LOVAGE_JOBS_NOT_EXPORTED\]/],
    ["dev without a module", ["dev"], /needs -A MODULE/],
    ["an unknown command", ["wurker"], /unknown command 'wurker'\n\(Did you mean worker\?\)/],
  ])("%s is wrong usage", async (_, args, says) => {
    const end = await desk.run(...args);
    expect(end).toMatchObject({ code: 64, stdout: "", stderr: expect.stringMatching(says) });
    expect(end.stderr).toMatch(/\[LOVAGE_\w+\]$/m);
  });
});
