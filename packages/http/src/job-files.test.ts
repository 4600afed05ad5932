import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobFiles, newJobId } from "./job-files.ts";
import type { JobStorage } from "./storage/job-storage.ts";

let root: string;
let files: JobFiles;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lovage-job-files-"));
  files = new JobFiles(root, newJobId());
});
afterEach(() => rm(root, { recursive: true, force: true }));

const write = (content: string) => (folder: string) => writeFile(path.join(folder, "a.txt"), content);
async function keys(storage: JobStorage): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list("")) found.push(key);
  return found;
}

describe("JobFiles", () => {
  it("refuses what is no job id, whatever path it spells", () => {
    for (const id of ["", "..", "../../../../etc/passwd..", "a".repeat(21), "a/b".padEnd(22, "c")])
      expect(() => new JobFiles(root, id)).toThrow(/no such job/);
  });

  it("gives an uploaded file by its name, and none of another's", async () => {
    const file = await files.putInput(3, "txt", Readable.from([Buffer.from("hello")]));
    expect(await files.inputs()).toEqual([file]);
    expect(await text(await files.openInput(file, { start: 1, end: 2 }))).toBe("el");
    for (const wrong of ["input/../../x", `../${newJobId()}/input/0000.txt`, "outputs.json"])
      await expect(async () => files.withInput(wrong, () => undefined)).rejects.toMatchObject({ code: "STORAGE_KEY_INVALID" });
    await expect(files.withInput("input/0000.png", () => undefined)).rejects.toMatchObject({ code: "STORAGE_OBJECT_MISSING" });
  });

  it("publishes outputs as a whole, once", async () => {
    expect(await files.outputs()).toBeNull();
    const died = files.publishOutputs(async (folder) => {
      await write("half")(folder);
      throw new Error("died");
    });
    await expect(died).rejects.toThrow("died");
    expect(await files.outputs()).toBeNull();
    expect(await keys(files.storage)).toEqual([]);
    const both = await Promise.all([files.publishOutputs(write("one")), files.publishOutputs(write("one"))]);
    expect([...both].sort()).toEqual([false, true]);
    let ran = false;
    const late = files.publishOutputs(async () => {
      ran = true;
    });
    expect([await late, ran]).toEqual([false, false]);
    expect(await files.outputs()).toEqual(["a.txt"]);
    expect(await text(await files.openOutput("a.txt"))).toBe("one");
    expect((await keys(files.storage)).length).toBe(2);
  });

  it("publishes what lies in folders, and no links", async () => {
    const { mkdir, symlink } = await import("node:fs/promises");
    const linked = files.publishOutputs((folder) => symlink("/etc/passwd", path.join(folder, "secrets")));
    await expect(linked).rejects.toMatchObject({ code: "STORAGE_KEY_INVALID" });
    await files.publishOutputs(async (folder) => {
      await mkdir(path.join(folder, "slices"));
      await writeFile(path.join(folder, "slices", "1.txt"), "one");
    });
    expect(await files.outputs()).toEqual(["slices/1.txt"]);
    await expect(files.openOutput("../outputs.json")).rejects.toMatchObject({ code: "STORAGE_OBJECT_MISSING" });
  });
});
