import { spawn } from "node:child_process";
import { access, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnvironment } from "../../../packages/lovage/test/bad-input/cli.ts";
import { isClose, photo, type Report } from "./stage.ts";

const demo = fileURLToPath(new URL("../dist/demo.js", import.meta.url));

describe("the demo", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "photo-stock-demo-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** As npm starts it: elsewhere, with the user's folder in INIT_CWD. */
  function run(args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
    const env = {
      ...bareEnvironment(),
      INIT_CWD: folder,
      LOVAGE_BROKER: `sqlite:${folder}/lovage.db`,
      PHOTO_STOCK_STORAGE: `${folder}/jobs`,
    };
    const child = spawn(process.execPath, [demo, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
  }

  it("does the good photos, names the bad ones with their codes, and ends with 1", { timeout: 90_000 }, async () => {
    const good = await photo(7);
    await writeFile(path.join(folder, good.name), good.file);
    await writeFile(path.join(folder, "notimage.txt"), "just words");
    await writeFile(path.join(folder, "cut.jpg"), good.file.subarray(0, good.file.length / 2));
    const { code, stdout, stderr } = await run([good.name, "notimage.txt", "cut.jpg", "missing.png", "--out", "results"]);
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/^.*notimage\.txt: .*\[UPLOAD_TYPE_REFUSED\]$/m);
    expect(stderr).toMatch(/^.*cut\.jpg: .*\[PHOTO_TRUNCATED\]$/m);
    expect(stderr).toMatch(/^.*missing\.png: .*\[PHOTO_NOT_FOUND\]$/m);
    expect(stderr).not.toMatch(/^ +at /m);

    const folders = await readdir(path.join(folder, "results"));
    expect(folders).toEqual([expect.stringMatching(/^scene-7-[0-9a-f]{8}$/)]);
    const results = path.join(folder, "results", folders[0] ?? "");
    expect((await readdir(results)).sort()).toEqual(["annotated.png", "report.csv", "report.json"]);
    const report = JSON.parse(await readFile(path.join(results, "report.json"), "utf8")) as Report;
    expect(isClose(report.total, good.truth)).toBe(true);
    expect(stdout).toContain(`${good.name}: ${report.total} objects`);
    for (const name of ["annotated.png", "report.csv", "report.json"]) expect(stdout).toContain(path.join(results, name));
  });

  it("puts each photo into a folder of its own, also one at a time into the same --out", { timeout: 120_000 }, async () => {
    for (const { name, file } of [await photo(7), await photo(17)]) {
      await writeFile(path.join(folder, name), file);
      const { code, stderr } = await run([name, "--out", "singles"]);
      expect(code, stderr).toBe(0);
    }
    const folders = (await readdir(path.join(folder, "singles"))).sort();
    expect(folders).toEqual([expect.stringMatching(/^scene-17-[0-9a-f]{8}$/), expect.stringMatching(/^scene-7-[0-9a-f]{8}$/)]);
    for (const each of folders)
      expect((await readdir(path.join(folder, "singles", each))).sort()).toEqual(["annotated.png", "report.csv", "report.json"]);
  });

  it("says how it is used when it is used wrongly, and starts nothing", async () => {
    const { code, stdout, stderr } = await run(["--fast"]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("Unknown option --fast. Usage: npm run demo");
    await expect(access(path.join(folder, "lovage-out"))).rejects.toThrow();
  });
});
