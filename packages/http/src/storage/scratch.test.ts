import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { removeLeftScratch, withScratch } from "./scratch.ts";

/** Of a process that has ended. */
const gonePid = () => spawnSync(process.execPath, ["-e", ""]).pid;

it("a folder goes with its use, and one of a killed process when another is asked for; others stay", async () => {
  let [own, left] = ["", ""];
  await withScratch(async (folder) => {
    own = folder;
    await writeFile(path.join(folder, "patient.txt"), "x");
    await withScratch(async (other) => {
      left = other.replace(`-${process.pid}-`, `-${gonePid()}-`);
      await rename(other, left);
    });
    const ofOurParent = left.replace(/-\d+-(\w+)$/, `-${process.ppid}-$1`);
    await removeLeftScratch();
    expect([existsSync(own), existsSync(left)]).toEqual([true, false]);
    await withScratch((other) => rename(other, ofOurParent));
    await removeLeftScratch();
    expect(existsSync(ofOurParent)).toBe(true);
    await rename(ofOurParent, left);
    await removeLeftScratch();
  });
  expect([existsSync(own), existsSync(left)]).toEqual([false, false]);
});
