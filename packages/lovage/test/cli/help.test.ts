import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Desk } from "./cli.ts";

const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"));
const commands = ["worker", "dev", "serve", "call", "result", "status", "purge", "retry-plan", "report"];
let desk: Desk;
beforeAll(() => {
  desk = new Desk();
});
afterAll(() => desk.close());

describe("lovage", () => {
  it("says its version, and without a command what there is", async () => {
    expect(await desk.run("--version")).toMatchObject({ code: 0, stdout: `${version}\n` });
    const { code, stderr } = await desk.run();
    expect(code).toBe(64);
    for (const name of commands) expect(stderr).toMatch(new RegExp(`^ {2}${name} +\\w`, "m"));
  });

  it.each(commands)("%s --help shows flags and examples, and so does help", async (name) => {
    const { code, stdout } = await desk.run(name, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: lovage ${name} `));
    expect(stdout).toMatch(new RegExp(`\nExamples:\n {2}lovage ${name} `));
    expect(stdout).toContain("-A, --app <module>");
    expect(await desk.run("help", name)).toMatchObject({ code: 0, stdout });
  });

  it("goes on when nobody reads its output any more", async () => {
    const running = desk.start(["report"]);
    running.child.stdout?.destroy();
    const { code, stderr } = await running.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});
