import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appModule, bin, Desk } from "./cli.ts";

let desk: Desk;
beforeAll(() => {
  desk = new Desk();
});
afterAll(() => desk.close());

const isThere = (program: string, ...flags: string[]) => spawnSync(program, flags).status === 0;

/** Every file that the command evaluated, by V8's own coverage. */
async function loadedBy(...args: string[]): Promise<readonly string[]> {
  const folder = join(desk.folder, `loaded-${args.length}-${args[0]}`);
  await desk.start(args, { NODE_V8_COVERAGE: folder }).ended;
  const reports = execFileSync("sh", ["-c", "cat ./*.json"], { cwd: folder, encoding: "utf8", maxBuffer: 2 ** 28 });
  return [...new Set([...reports.matchAll(/"url":"file:\/\/([^"]+)"/g)].map(([, path = ""]) => path))];
}

describe("what a command loads", () => {
  it("--version: the parser and no more", async () => {
    const loaded = (await loadedBy("--version")).filter((file) => !file.includes("/node_modules/commander/"));
    expect(loaded.length).toBeLessThan(12);
  });

  it("inspect: no app, no tasks, no canvas, no worker", async () => {
    const loaded = await loadedBy("inspect", "ping", "-b", "redis://127.0.0.1:1/0");
    expect(loaded.some((file) => file.endsWith("/store/redis/index.js"))).toBe(true);
    const heavy =
      /\/dist\/(canvas|execution|middleware|pool|upkeep|results|beat|task)\/|\/dist\/worker\/(?!exit-codes)|create-app|load-app|node_modules\/(jiti|libsql)/;
    // What a store's broker takes from there is data about messages, and no code that sends or runs them.
    expect(loaded.filter((file) => heavy.test(file)).map((file) => file.replace(/^.*\/dist\//, ""))).toEqual([]);
  });
});

describe("lovage inspect and lovage control, of a node of ours", () => {
  it("show it, change it and stop it", async () => {
    const worker = await desk.worker("-n", "one@x", "-P", "processes", "-c", "1", "-Q", "celery,named");
    const [stats, queues, graph] = await Promise.all([
      desk.run("inspect", "stats"),
      desk.run("inspect", "active_queues"),
      desk.run("graph", "bindings"),
    ]);
    expect(stats).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(new RegExp(`^one@x\\n {2}pid +${worker.pid}\\n`)) });
    expect(queues.stdout).toMatch(/^one@x +named +/m);
    expect(graph.stdout).toContain('"queue named" -> "one@x"');
    expect(await desk.json("control", "pool_grow", "1")).toEqual({ "one@x": { ok: "pool will grow" } });
    expect(await desk.run("control", "rate_limit", "no.such", "5/m")).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^one@x +\S/m),
    });
    expect(await desk.run("inspect", "ping", "-d", "two@x", "-t", "0.2")).toMatchObject({
      code: 69,
      stdout: "0 nodes answered\n",
      stderr: "No node answered within 0.2 s.\n",
    });
    expect(await desk.run("inspect", "ping", "-d", "one@x,two@x", "-t", "0.5")).toMatchObject({
      code: 0,
      stderr: "No answer within 0.5 s from two@x.\n",
    });
    expect(await desk.run("queue", "pause", "named")).toMatchObject({ code: 0, stderr: "" });
    expect(await desk.run("queue", "pause", "nameed")).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/is that its name\?.*named/),
    });
    expect(await desk.run("control", "shutdown", "-d", "one@x")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^one@x +done$/m),
    });
    expect(await worker.ended).toMatchObject({ code: 0 });
  });
});

describe("lovage completion", () => {
  let script: (shell: string) => Promise<string>;
  beforeAll(() => {
    script = async (shell) => {
      const file = join(desk.folder, `completion.${shell}`);
      writeFileSync(file, (await desk.run("completion", shell)).stdout);
      return file;
    };
  });

  it("completes commands, words, flags and choices in bash", async () => {
    const file = await script("bash");
    const offered = (...words: string[]) => {
      const code = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lovage; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return execFileSync("bash", ["-c", code, file, "lovage", ...words], { encoding: "utf8" })
        .split("\n")
        .filter(Boolean);
    };
    expect(offered("ins")).toEqual(["inspect"]);
    expect(offered("-A", "call", "pur")).toEqual(["purge"]);
    expect(offered("inspect", "act")).toEqual(["active", "active_queues"]);
    expect(offered("-b", "redis://x", "control", "--des")).toEqual(["--destination"]);
    expect(offered("worker", "--log-format", "")).toEqual(["line", "json"]);
    expect(offered("dlq", "re")).toEqual(["replay"]);
    expect(offered("worker", "-A", "")).toEqual([]); // files, by bash itself
    expect(execFileSync("bash", ["-c", 'source "$0"; complete -p lovage', file], { encoding: "utf8" })).toContain("-F _lovage");
  });

  it.skipIf(!isThere("zsh", "--version"))("completes in zsh", async () => {
    const file = await script("zsh");
    const offered = (...words: string[]) => {
      // compinit asks the terminal; what the function hands to it is what counts here.
      const code =
        'compdef() { :; }; _files() { :; }; _describe() { print -l -- $found; }; source $1; shift; words=("$@"); CURRENT=$#; _lovage';
      return execFileSync("zsh", ["-fc", code, "zsh", file, "lovage", ...words], { encoding: "utf8" }).split("\n");
    };
    expect(offered("ins")).toContain("inspect:ask running nodes, Python's too");
    expect(offered("-A", "call", "inspect", "")).toEqual(
      expect.arrayContaining(["active", "--destination:names of nodes, separated by commas; default: all"]),
    );
    expect(offered("worker", "--log-format", "")).toEqual(["line", "json", ""]);
  });

  it.skipIf(!isThere("fish", "--version"))("completes in fish", async () => {
    const file = await script("fish");
    const offered = (line: string) =>
      execFileSync("fish", ["-N", "-c", `source ${file}; complete -C '${line}'`], { encoding: "utf8" }).split("\n");
    expect(offered("lovage ins")).toContain("inspect\task running nodes, Python's too");
    expect(offered("lovage -A call inspect act")).toEqual(expect.arrayContaining(["active", "active_queues"]));
    expect(offered("lovage worker --log-form")).toContainEqual(expect.stringMatching(/^--log-format/));
    expect(offered("lovage worker --log-format ")).toContainEqual(expect.stringMatching(/^json\t/));
  });

  it("is for three shells", async () => {
    expect(await desk.run("completion", "ksh")).toMatchObject({ code: 64, stderr: expect.stringContaining('bash, zsh, fish; got "ksh"') });
  });
});

describe("lovage systemd", () => {
  it("writes units that systemd accepts, and that leave a warm stop its time", async () => {
    const folder = join(desk.folder, "units");
    const flags = ["-A", appModule, "--user", "daemon", "--folder", "/tmp", "--write", folder];
    expect(await desk.run("systemd", "worker", "serve", ...flags)).toMatchObject({ code: 0, stderr: "" });
    const worker = readFileSync(join(folder, "lovage-worker@.service"), "utf8");
    for (const line of [
      "Restart=on-failure",
      "RestartPreventExitStatus=64 78",
      "KillMode=mixed",
      "TimeoutStopSec=35",
      "NoNewPrivileges=true",
    ])
      expect(worker.split("\n")).toContain(line);
    expect(worker).toContain(`lovage.js worker -A ${appModule} -n %i@%%h $LOVAGE_WORKER_FLAGS\n`);
    const units = ["lovage-worker@cpu.service", "lovage-serve.service"].map((name) => join(folder, name));
    if (!isThere("systemd-analyze", "--version")) return;
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...units], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("prints them, and says what it needs", async () => {
    expect((await desk.run("systemd", "-A", appModule)).stdout).toMatch(/^# \/etc\/systemd\/system\/lovage-worker@\.service\n/);
    expect(await desk.run("systemd")).toMatchObject({ code: 64, stderr: expect.stringContaining("needs -A MODULE") });
    expect(await desk.run("systemd", "cron", "-A", appModule)).toMatchObject({ code: 64, stderr: expect.stringContaining('got "cron"') });
  });
});

describe("lovage shell", () => {
  it("evaluates what has the app, its tasks and the canvas at hand", async () => {
    const evaluated = (code: string, ...flags: string[]) => desk.run("shell", "-A", appModule, ...flags, "--eval", code);
    expect(await evaluated("[app.name, typeof chain, typeof tasks['t.add'].delay, tasks['t.add'] === add]")).toMatchObject({
      code: 0,
      stdout: "[ 'cli-tests', 'function', 'function', true ]\n",
    });
    const code = "const { id } = await app.send('t.add', [1, 2]); return [typeof add, (await app.result(id).info()) === undefined]";
    expect(await evaluated(code, "-T")).toMatchObject({ stdout: "[ 'undefined', true ]\n" });
    expect(await evaluated("1 +")).toMatchObject({ code: 1, stderr: expect.stringContaining("--eval is no JavaScript: 1 +") });
  });

  it("is a prompt, which ends with its input", async () => {
    const typed = "const answer = 6 * 7\nanswer\nawait app.control.ping()\n";
    const { status, stdout } = spawnSync(process.execPath, [bin, "shell"], {
      input: typed,
      encoding: "utf8",
      cwd: desk.folder,
      env: { ...process.env, HOME: desk.folder, LOVAGE_BROKER: desk.broker },
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/lovage> 42\n[\s\S]*\{\}/) });
  });
});
