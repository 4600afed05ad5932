import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { allGone, appModule, Desk } from "./cli.ts";

let desk: Desk;
beforeAll(() => {
  desk = new Desk();
});
afterAll(() => desk.close());

describe("lovage worker", () => {
  it("says what it serves, then that it is ready, and stops warm with 0", async () => {
    const worker = desk.start(["worker", "-A", appModule, "-n", "w1@%n", "-Q", "celery,named", "-P", "processes", "-c2"]);
    const [, name] = await worker.says(/^(w1@\S+) ready\.$/m);
    const banner = worker.stdout.slice(0, worker.stdout.indexOf(`${name} ready.`));
    expect(banner.trimEnd().split("\n")).toEqual([
      `node    ${name}`,
      "app     cli-tests",
      `store   ${desk.broker}`,
      "pool    processes: 2 runners of 1 slot",
      "queues  celery, named",
      `pid     ${worker.pid}`,
    ]);
    expect(await worker.stop()).toMatchObject({ code: 0 });
    expect(worker.stderr).toContain("shutdown.done");
  });

  it("takes -A and -b before the command, and Celery's flags that change nothing here", async () => {
    const other = `sqlite:${join(desk.folder, "other.db")}`;
    const flags = ["-Ofair", "--without-gossip", "--without-mingle", "--without-heartbeat", "-lWARNING", "-P", "gevent"];
    const worker = desk.start(["-A", appModule, "--broker", other, "worker", "-n", "w2", ...flags]);
    await worker.says(/w2@.* ready\.$/m);
    expect(worker.stdout).toContain(`store   ${other}\n`);
    expect(worker.stdout).toContain("async: 1 runner of 100 slots");
    expect(await worker.stop("SIGINT")).toMatchObject({ code: 0, stderr: "" });
  });

  it("takes its options from a profile, and flags over it", async () => {
    const worker = await desk.worker("-n", "w3", "--profile", "one", "-c", "1");
    expect(worker.stdout).toContain("pool    processes: 1 runner of 1 slot");
    expect(worker.stdout).toContain("queues  celery, named");
    expect(await worker.stop()).toMatchObject({ code: 0 });
  });

  it("logs JSON lines when asked to, and nothing else on standard error", async () => {
    const worker = await desk.worker("-n", "w4", "--log-format", "json");
    const { stderr } = await worker.stop();
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), event: expect.any(String) });
  });

  it("finishes what runs on the first signal", async () => {
    const worker = await desk.worker("-n", "w5");
    const [started, gate] = [desk.file(), desk.file()];
    const [{ stdout: id }] = await Promise.all([desk.run("call", "t.wait", started, gate), waitFor("it runs", () => desk.read(started))]);
    worker.child.kill("SIGTERM");
    await waitFor("the warm stop", () => worker.stderr.includes("shutdown.warm"));
    writeFileSync(gate, "");
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await desk.json("result", id.trim())).toMatchObject({ status: "SUCCESS", result: "waited" });
  });

  it("gives back what runs on the second, within seconds although it never lets go, and ends with 1", async () => {
    const worker = await desk.worker("-n", "w6", "-P", "processes", "-c", "1");
    const started = desk.file();
    await desk.run("call", "t.spin", started);
    const runner = Number(await waitFor("it runs", () => desk.read(started)));
    worker.child.kill("SIGTERM");
    await waitFor("the warm stop", () => worker.stderr.includes("shutdown.warm"));
    const before = performance.now();
    expect(await worker.stop("SIGINT")).toMatchObject({ code: 1 });
    expect(performance.now() - before).toBeLessThan(5000);
    await allGone([runner]);
    expect(await desk.json("purge", "-Q", "celery", "--force")).toMatchObject({ purged: 1 });
  });

  it("ends cold at once on SIGQUIT", async () => {
    const worker = await desk.worker("-n", "w7");
    expect(await worker.stop("SIGQUIT")).toMatchObject({ code: 1 });
  });
});

describe("lovage worker refuses", () => {
  const module = ["-A", appModule];
  it.each([
    ["no module", [], 64, /needs -A MODULE.*\[LOVAGE_USAGE\]/],
    ["an unknown flag", [...module, "--frobnicate"], 64, /unknown option '--frobnicate'/],
    ["a word too many", [...module, "celery"], 64, /too many arguments/],
    ["an unknown pool", [...module, "-P", "fibers"], 64, /no pool "fibers".*async = gevent = eventlet.*\[LOVAGE_POOL_UNKNOWN\]/],
    [
      "two slots for solo",
      [...module, "-P", "solo", "-c", "2"],
      64,
      /runs 1 task at a time; it was asked for 2.*\[LOVAGE_POOL_CONCURRENCY\]/,
    ],
    ["-c that is no number", [...module, "-c", "many"], 64, /-c takes a whole number, 1 or more, got "many"/],
    ["-c0", [...module, "-c0"], 64, /-c takes a whole number, 1 or more, got "0"/],
    ["less than one task per child", [...module, "--max-tasks-per-child", "0"], 64, /--max-tasks-per-child takes a whole number/],
    ["a limit that is no time", [...module, "--time-limit", "soon"], 64, /--time-limit takes seconds, or text with a unit.*got "soon"/],
    ["an unknown level", [...module, "-l", "loud"], 64, /-l takes debug, info, warning or error, got "loud"/],
    ["an unknown log format", [...module, "--log-format", "xml"], 64, /'xml' is invalid. Allowed choices are line, json/],
    ["no queue that is left", [...module, "-Q", "a", "-X", "a"], 64, /no queue to consume.*\[LOVAGE_NO_QUEUES\]/],
    ["Celery's scheduler", [...module, "-B"], 64, /-B, --beat is not taken.*celery beat.*\[LOVAGE_FLAG_UNSUPPORTED\]/],
    ["a range that the pool cannot serve", [...module, "-P", "processes", "--autoscale=3,10"], 64, /cannot grow from 10 to 3/],
    ["a range of three", [...module, "--autoscale=10,3,1"], 64, /--autoscale takes max,min, got "10,3,1"/],
    ["a module that is not there", ["-A", "nowhere"], 78, /no app module "nowhere".*\[LOVAGE_APP_NOT_FOUND\]/],
    ["an unknown profile", [...module, "--profile", "two"], 78, /no profile "two"; it has: one, wrong\..*\[LOVAGE_PROFILE_UNKNOWN\]/],
    ["a profile of other things", [...module, "--profile", "wrong"], 78, /has pots; a profile may have pool, .*\[LOVAGE_PROFILE_INVALID\]/],
    ["a store of no known kind", [...module, "-b", "amqp://localhost"], 78, /broker \(flags\) is "amqp:\/\/localhost": expected a URL/],
    ["a store that is not there", [...module, "-b", "redis://:hush@127.0.0.1:1"], 69, /127\.0\.0\.1:1.*\[LOVAGE_BROKER_UNAVAILABLE\]/],
    ["a store inside one process for runners in others", [...module, "-b", "memory:"], 78, /use -P inline.*\[LOVAGE_STORE_NOT_SHARED\]/],
  ])("%s", async (_, flags, code, says) => {
    const ran = await desk.run("worker", ...flags);
    expect(ran).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(says) });
    expect(ran.stderr).not.toMatch(/hush|\n\s+at /);
  });
});
