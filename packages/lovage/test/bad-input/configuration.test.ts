import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, type TimedRun } from "./cli.ts";

const door = JSON.stringify(import.meta.resolve("lovage"));
const app = (options: string) => `import { createApp, defineTask } from ${door};\nexport default createApp(${options});\n`;

const modules: Readonly<Record<string, string>> = {
  "good.mjs": app(`{ name: "good", broker: "sqlite:./store.db", profiles: { gpu: { pool: "solo", lanes: 3 } } }`),
  "memory.mjs": app(`{ broker: "memory:" }`),
  "empty.mjs": "export const answer = 42;\n",
  "broken.mjs": "export default {;\n",
  "throws.mjs": 'throw new Error("no licence for this machine");\n',
  "wrong.mjs": app(`{ broker: "mysql://user:secret@db/0", taskTimeLimit: -1, workerConcurency: 4, resultExpires: "soon" }`),
  "setup.mjs": app(
    `{ name: "setup", broker: "sqlite:./setup.db", tasks: [defineTask("t", { setup() { throw new Error("the model file is gone"); } }, () => 1)] }`,
  ),
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-configuration-"));
  await Promise.all(Object.entries(modules).map(([name, text]) => writeFile(join(folder, name), text)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lovage = (...args: string[]): Promise<TimedRun> => runCli(args, { cwd: folder });
const worker = (module: string, ...args: string[]): Promise<TimedRun> => lovage("worker", "-A", module, "-l", "error", ...args);

/** One readable line with its code, of settings one more per mistake; no stack, whatever went wrong. */
function expectRefusal(end: TimedRun, code: number, error: string, says: string): void {
  expect(end, end.stderr).toMatchObject({ code, stdout: "" });
  const lines = end.stderr.trimEnd().split("\n");
  expect(lines).toHaveLength(error === "LOVAGE_SETTING_INVALID" ? 2 : 1);
  expect(lines.at(-1)).toContain(`[${error}]`);
  expect(lines.at(-1)).toContain(says);
}

describe.concurrent("a command line that cannot work", () => {
  it.each([
    ["no module", ["worker"], 64, "LOVAGE_USAGE", "-A MODULE"],
    ["a module that is not there", ["worker", "-A", "nowhere"], 78, "LOVAGE_APP_NOT_FOUND", 'no app module "nowhere"'],
    ["a module without an app", ["worker", "-A", "empty.mjs"], 78, "LOVAGE_APP_INVALID", "answer (number)"],
    ["a module that throws", ["worker", "-A", "throws"], 78, "LOVAGE_APP_LOAD_FAILED", "no licence for this machine"],
    ["a module that is no JavaScript", ["worker", "-A", "broken"], 78, "LOVAGE_APP_LOAD_FAILED", "Unexpected token"],
    ["a pool that does not exist", ["worker", "-A", "good", "-P", "fibers"], 64, "LOVAGE_POOL_UNKNOWN", "processes = prefork"],
    ["two tasks at a time in solo", ["worker", "-A", "good", "-P", "solo", "-c", "2"], 64, "LOVAGE_POOL_CONCURRENCY", "processes -c 2"],
    ["a concurrency that is no number", ["worker", "-A", "good", "-c", "lots"], 64, "LOVAGE_USAGE", '"lots"'],
    ["a concurrency of nothing", ["worker", "-A", "good", "-c", "0"], 64, "LOVAGE_USAGE", "1 or more"],
    ["a log level that does not exist", ["worker", "-A", "good", "-l", "loud"], 64, "LOVAGE_USAGE", '"loud"'],
    ["no queue left", ["worker", "-A", "good", "-X", "celery"], 64, "LOVAGE_NO_QUEUES", "Name at least one"],
    ["a profile that does not exist", ["worker", "-A", "good", "--profile", "cpu"], 78, "LOVAGE_PROFILE_UNKNOWN", "it has: gpu"],
    ["a profile with a key of its own", ["worker", "-A", "good", "--profile", "gpu"], 78, "LOVAGE_PROFILE_INVALID", "lanes"],
    ["a limit that is no duration", ["worker", "-A", "good", "--time-limit", "later"], 64, "LOVAGE_USAGE", '"later"'],
    ["a store inside one process", ["worker", "-A", "memory", "-P", "solo"], 78, "LOVAGE_STORE_NOT_SHARED", "-P inline"],
    ["a broker of another kind", ["status", "-b", "amqp://localhost"], 78, "LOVAGE_SETTING_INVALID", "redis:"],
    ["a folder that does not exist", ["status", "-b", "sqlite:./none/store.db"], 78, "LOVAGE_STORE_NO_FOLDER", "Create it"],
    ["a file that is no database", ["status", "-b", "sqlite:./good.mjs"], 78, "LOVAGE_STORE_NOT_A_DATABASE", "Name another file"],
    ["a job service without jobs", ["serve", "-A", "good", "--port", "0"], 64, "LOVAGE_JOBS_NOT_EXPORTED", "jobs"],
    ["arguments that are no JSON object", ["call", "t", "-k", "[1]"], 64, "LOVAGE_USAGE", "--kwargs takes a JSON object"],
  ] as const)("ends at once with what is wrong: %s", async (_, args, code, error, says) => {
    expectRefusal(await lovage(...args), code, error, says);
  });

  it.each([
    ["an unknown command", ["wroker"]],
    ["an unknown flag", ["worker", "-A", "good", "--fast"]],
  ] as const)("is a usage error: %s", async (_, args) => {
    const end = await lovage(...args);
    expect(end).toMatchObject({ code: 64, stdout: "" });
    expect(end.stderr).toContain("[LOVAGE_USAGE]");
    expect(end.stderr).toContain(`error: unknown ${args.length === 1 ? "command" : "option"}`);
  });

  it("names all wrong settings at once, and no password", async () => {
    const end = await worker("wrong");
    expect(end.code).toBe(78);
    const wrong = [
      "broker (options)",
      "taskTimeLimit (options) is -1",
      "resultExpires (options)",
      "workerConcurency (options): there is no such",
    ];
    for (const text of wrong) expect(end.stderr).toContain(text);
    expect(end.stderr).toContain("Did you mean workerConcurrency");
    expect(end.stderr).toContain("[LOVAGE_APP_LOAD_FAILED]");
    expect(end.stderr).not.toContain("secret");
    expect(end.stderr).not.toMatch(/^ +at /m);
  });
});

describe("an app whose setup throws", () => {
  it.each(["solo", "processes", "threads"])("stops its node with 78 instead of trying for ever (pool %s)", async (pool) => {
    const end = await lovage("worker", "-A", "setup.mjs", "-P", pool, "--log-format", "json");
    expect(end.code).toBe(78);
    const lines = end.stderr.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => JSON.parse(line) as { readonly event: string; readonly code?: string; readonly message?: string });
    const stopped = events.filter(({ event }) => event === "worker.cannot-start");
    expect(stopped).toMatchObject([{ code: "LOVAGE_SETUP_FAILED", message: expect.stringContaining("the model file is gone") }]);
    expect(events.filter(({ event }) => event === "runner.setup-failed").length).toBeLessThanOrEqual(8);
    expect(end.stdout).not.toContain("ready.");
  });
});
