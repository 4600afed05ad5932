import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Desk } from "./cli.ts";

const appModule = fileURLToPath(new URL("fixtures/retry-app.ts", import.meta.url));
let desk: Desk;
beforeAll(() => {
  desk = new Desk();
});
afterAll(() => desk.close());
const plan = (...args: string[]) => desk.run("retry-plan", "-A", appModule, ...args);

describe("lovage retry-plan", () => {
  it("prints each delay and how long all of it takes", async () => {
    const { code, stdout } = await plan("t.exact");
    expect(code).toBe(0);
    expect(
      stdout
        .split("\n")
        .slice(0, 4)
        .map((line) => line.split(/ {2,}/).map((cell) => cell.trim())),
    ).toEqual([
      ["retry", "after", "latest"],
      ["", "1", "60 s", "60 s"],
      ["", "2", "120 s", "180 s"],
      ["", "3", "240 s", "420 s"],
    ]);
    expect(stdout).toContain("then it has failed, 3 retries after the first attempt");
  });

  it("gives ranges where delays are drawn, and as many rows as wanted where there is no end", async () => {
    const { stdout } = await plan("t.equal", "--rows", "3", "--json");
    expect(JSON.parse(stdout)).toEqual({
      task: "t.equal",
      max: null,
      jitter: "equal",
      retries: [
        { retry: 1, leastSeconds: 1, mostSeconds: 2, latestSeconds: 2 },
        { retry: 2, leastSeconds: 2, mostSeconds: 4, latestSeconds: 6 },
        { retry: 3, leastSeconds: 2.5, mostSeconds: 5, latestSeconds: 11 },
      ],
    });
  });

  it("says so where there is none, and names the tasks there are", async () => {
    expect(await plan("t.once")).toMatchObject({ code: 0, stdout: "t.once is not tried again: it has no retry policy.\n" });
    expect(await plan("t.other")).toMatchObject({ code: 64, stderr: expect.stringContaining("it has t.equal, t.exact, t.once") });
  });
});
