import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Desk } from "./cli.ts";

// As the program is built: what users get.
const { runCli } = (await import(new URL("../../dist/cli/main.js", import.meta.url).href)) as typeof import("../../src/cli/main.ts");
const { commands } = (await import(
  new URL("../../dist/cli/program.js", import.meta.url).href
)) as typeof import("../../src/cli/program.ts");

const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"));
const names = Object.keys(commands);
let desk: Desk;
beforeAll(() => {
  desk = new Desk();
});
afterAll(() => desk.close());

/** In this process: a process for each would take its time. */
async function said(...args: readonly string[]) {
  const out: string[] = [];
  const errors: string[] = [];
  const sink = { json: false, columns: 100, write: (text: string) => void out.push(text), error: (text: string) => void errors.push(text) };
  return { code: await runCli(args, sink), stdout: out.join("\n"), stderr: errors.join("\n") };
}

describe("lovage", () => {
  it("says its version, and without a command what there is", async () => {
    expect(await desk.run("--version")).toMatchObject({ code: 0, stdout: `${version}\n` });
    const { code, stderr } = await desk.run();
    expect(code).toBe(64);
    for (const name of names) expect(stderr).toMatch(new RegExp(`^ {2}${name} +\\w`, "m"));
  });

  it.each(names)("%s --help shows flags and examples, and so does help", async (name) => {
    const { code, stdout } = await said(name, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: lovage ${name} `));
    expect(stdout).toMatch(new RegExp(`\nExamples:\n {2}lovage ${name}( |$)`, "m"));
    expect(stdout).toContain("-A, --app <module>");
    expect(await said("help", name)).toMatchObject({ code: 0, stdout });
  });

  it("goes on when nobody reads its output any more", async () => {
    const running = desk.start(["report"]);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

/** These go on until they are stopped, or wait for somebody: other tests run them. */
const goOn = /^lovage (worker|dev|serve|events|shell -A app\.ts$|health|status .*--wait|call .*--wait|result .*--wait)/;

describe("the examples of --help", () => {
  const examples = names.flatMap((name) =>
    ((): readonly string[] => {
      const page = readFileSync(fileURLToPath(new URL("../../../../docs/reference/cli.md", import.meta.url)), "utf8");
      const [, section = ""] = page.split(new RegExp(`^## lovage ${name}$`, "m"));
      const [, block = ""] = /Examples:\n([\s\S]*?)\n```/.exec(section) ?? [];
      return block.split("\n").map((line) => line.trim());
    })(),
  );

  /** One each: a command closes its app. */
  function exampleApp(): string {
    const path = `${desk.file()}.mjs`;
    const door = JSON.stringify(new URL("../../dist/index.js", import.meta.url).href);
    const tasks = ["photos.upload", "photos.detect", "photos.segment", "reports.nightly"].map((name) => `defineTask("${name}", () => {})`);
    writeFileSync(
      path,
      `import { createApp, defineTask } from ${door};\nexport default createApp({ tasks: [${tasks}], environment: false });\n`,
    );
    return path;
  }

  function emptyFile(): string {
    const path = desk.file();
    writeFileSync(path, "");
    return path;
  }

  /** As a shell splits it, up to what its output goes to; on a store and an app of this test. */
  function wordsOf(example: string): readonly string[] {
    const [command = ""] = example.split(/ (?:\||>) /);
    const words = [...command.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
    const places: Readonly<Record<string, string>> = {
      "app.ts": exampleApp(),
      "letters.jsonl": emptyFile(),
      "redis://localhost/0": desk.broker,
      "/etc/systemd/system": join(desk.folder, "systemd"),
    };
    return words.slice(1).map((word) => places[word] ?? word);
  }

  it("are many", () => expect(examples.length).toBeGreaterThan(60));

  it.each(examples.filter((example) => !goOn.test(example)))("%s", async (example) => {
    const words = wordsOf(example);
    const { stderr, code } = await said(...words, ...(words.includes("-b") ? [] : ["-b", desk.broker]));
    // No node is up and nothing was sent: the answer may be no. The line itself has to be understood.
    expect(stderr).not.toMatch(/^error: |unknown option|missing required|too many arguments|\n {4}at /m);
    if (code === 64) expect(stderr).toMatch(/Nobody is there to be asked|publishFallback is not "spool"/);
  });
});
