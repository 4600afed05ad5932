/** What every storage keeps, and what `JobFiles` keeps on each of them. Run with a folder, S3, and either of them encrypted. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { JobFiles, type JobStorage, newJobId, openStorage, type StorageOptions } from "@lovage/http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const publisher = fileURLToPath(new URL("./publisher.mjs", import.meta.url));
const megabyte = 2 ** 20;

export interface SetUp {
  /** A place of its own each time it is called. */
  place(): StorageOptions;
  /** A small place, of some 8 MB. */
  smallPlace?(): StorageOptions;
  close(): Promise<void>;
}

export const keysOf = async (storage: JobStorage, prefix = ""): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys.sort();
};
const bytesOf = async (storage: JobStorage, key: string, range?: { start: number; end?: number }) => buffer(await storage.read(key, range));

async function* slowly(pieces: number, bytes: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < pieces; i += 1) yield randomBytes(bytes);
}

export function describeStorage(name: string, setUp: () => Promise<SetUp>): void {
  describe(name, () => {
    let made: SetUp;
    const open = () => openStorage(made.place());
    beforeAll(async () => {
      made = await setUp();
    });
    afterAll(() => made?.close());

    describe("objects", () => describeObjects(open));
    describe("outputs", () => describeOutputs(open, () => made.place()));
    it("refuses what it has no room for, leaves nothing of it, and takes it when there is", async ({ skip }) => {
      const place = made.smallPlace?.();
      if (!place) return skip();
      const storage = openStorage(place);
      await storage.put("ballast/a", randomBytes(6 * megabyte));
      await expect(storage.put("job/input", Readable.from(slowly(120, 100_000)))).rejects.toMatchObject({ code: "STORAGE_FULL" });
      expect(await keysOf(storage)).toEqual(["ballast/a"]);
      const files = new JobFiles(storage, newJobId());
      const publish = () => files.publishOutputs((folder) => writeFile(path.join(folder, "a"), randomBytes(4 * megabyte)));
      await expect(publish()).rejects.toMatchObject({ code: "STORAGE_FULL" });
      expect(await keysOf(storage)).toEqual(["ballast/a"]);
      await storage.remove("ballast");
      expect(await publish()).toBe(true);
    });
  });
}

function describeObjects(open: () => JobStorage): void {
  it.each([0, 1, 65_536, 65_537, 200_000, 5 * megabyte, 12 * megabyte + 7])("keeps %i bytes, whole and in ranges", async (bytes) => {
    const storage = open();
    const content = randomBytes(bytes);
    const before = Date.now();
    expect(await storage.put("a/b.bin", Readable.from([content.subarray(0, 10), content.subarray(10)]))).toBe(true);
    expect((await bytesOf(storage, "a/b.bin")).equals(content)).toBe(true);
    const found = await storage.stat("a/b.bin");
    expect(found).toMatchObject({ key: "a/b.bin", bytes });
    expect(Math.abs((found?.modifiedMs ?? 0) - before)).toBeLessThan(60_000);
    const ranges = [
      [0, 0],
      [1, 3],
      [65_535, 65_536],
      [65_536, 131_071],
      [Math.max(0, bytes - 1), bytes + 100],
      [bytes, bytes + 5],
      [Math.max(0, bytes - 10), undefined],
    ] as const;
    for (const [start, end] of ranges) {
      const wanted = content.subarray(start, end === undefined ? undefined : end + 1);
      const part = await bytesOf(storage, "a/b.bin", end === undefined ? { start } : { start, end });
      expect(part.equals(wanted), `${start}-${end}`).toBe(true);
    }
  });

  it("puts another in the place of one, unless told to leave it", async () => {
    const storage = open();
    await storage.put("a", Buffer.from("one"));
    expect(await storage.put("a", Buffer.from("two"), { ifAbsent: true })).toBe(false);
    expect(await text(await storage.read("a"))).toBe("one");
    expect(await storage.put("a", Buffer.from("three"))).toBe(true);
    expect(await text(await storage.read("a"))).toBe("three");
  });

  it.each([10, 6 * megabyte])("gives a name to one of many that come at once, with %i bytes", async (bytes) => {
    const storage = open();
    const contents = Array.from({ length: bytes > megabyte ? 3 : 12 }, () => randomBytes(bytes));
    const won = await Promise.all(contents.map((content) => storage.put("only", content, { ifAbsent: true })));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await bytesOf(storage, "only")).equals(contents[won.indexOf(true)] ?? Buffer.alloc(0))).toBe(true);
    expect(await keysOf(storage)).toEqual(["only"]);
    expect(await storage.removeUnfinished(Date.now() + 60_000)).toBe(0);
  });

  it.each([1, 120])("keeps nothing of what fails after %i pieces", async (pieces) => {
    const storage = open();
    async function* breaking() {
      yield* slowly(pieces, 100_000);
      throw new Error("the client hung up");
    }
    await expect(storage.put("a/b", Readable.from(breaking()))).rejects.toThrow("the client hung up");
    const cut = Readable.from(slowly(pieces, 100_000));
    cut.destroy();
    await expect(storage.put("a/b", cut)).rejects.toThrow();
    expect(await keysOf(storage)).toEqual([]);
    expect(await storage.stat("a/b")).toBeUndefined();
    expect(await storage.removeUnfinished(Date.now() + 60_000)).toBe(0);
  });

  it("lists and removes by whole parts of a key", async () => {
    const storage = open();
    const all = ["job-1/input/0", "job-1/input/1", "job-1/x", "job-10/x", "job/x", "jobs"];
    for (const key of all) await storage.put(key, Buffer.from(key));
    expect(await keysOf(storage)).toEqual(all);
    expect(await keysOf(storage, "job-1")).toEqual(all.slice(0, 3));
    expect(await keysOf(storage, "jobs")).toEqual(["jobs"]);
    expect(await keysOf(storage, "job-1/inp")).toEqual([]);
    await storage.remove("job-1");
    await storage.remove("job-1");
    await storage.remove("jobs");
    expect(await keysOf(storage)).toEqual(["job-10/x", "job/x"]);
  });

  it("says what is not there, and keeps any name that is one", async () => {
    const storage = open();
    await expect(storage.read("job/none")).rejects.toMatchObject({ code: "STORAGE_OBJECT_MISSING" });
    expect(await storage.stat("job/none")).toBeUndefined();
    const names = ["späte Äpfel (1) & 'mehr'.txt", "a+b=c%20?#.bin", "日本/写真 🌿.png", `${"x".repeat(251)}.png`];
    for (const key of names) await storage.put(key, Buffer.from(key));
    expect(await keysOf(storage)).toEqual([...names].sort());
    for (const key of names) expect(await text(await storage.read(key))).toBe(key);
  });

  it.each(["", "..", "../x", "a/../../x", "a//b", "/etc/passwd", "a/", "a/./b", "a\\b", "a\u0000b", "a/.arriving-1", "y".repeat(256)])(
    "refuses the key %j",
    async (key) => {
      const storage = open();
      const refused = { code: "STORAGE_KEY_INVALID" };
      await expect(async () => storage.put(key, Buffer.from("x"))).rejects.toMatchObject(refused);
      await expect(async () => storage.read(key)).rejects.toMatchObject(refused);
      if (key !== "") await expect(async () => storage.remove(key)).rejects.toMatchObject(refused);
    },
  );
}

function describeOutputs(open: () => JobStorage, place: () => StorageOptions): void {
  it("gives inputs as files and streams", async () => {
    const files = new JobFiles(open(), newJobId());
    const file = await files.putInput(0, "txt", Readable.from([Buffer.from("hello")]));
    expect(await files.inputs()).toEqual(["input/0000.txt"]);
    expect(await text(await files.openInput(file, { start: 1 }))).toBe("ello");
    const { readFile } = await import("node:fs/promises");
    expect(await files.withInput(file, (where) => readFile(where, "utf8"))).toBe("hello");
  });

  it("become visible once and whole, whoever publishes at the same time", async () => {
    const storage = open();
    const id = newJobId();
    const write = (who: string) => async (folder: string) => {
      await mkdir(path.join(folder, "deep"));
      for (const name of ["a.txt", "deep/b.txt"]) await writeFile(path.join(folder, name), who);
    };
    const runs = ["one", "two", "three"].map((who) => new JobFiles(storage, id).publishOutputs(write(who)));
    expect((await Promise.all(runs)).filter(Boolean)).toHaveLength(1);
    const files = new JobFiles(storage, id);
    expect(await files.outputs()).toEqual(["a.txt", "deep/b.txt"]);
    expect(await text(await files.openOutput("a.txt"))).toBe(await text(await files.openOutput("deep/b.txt")));
    expect(await keysOf(storage, id)).toHaveLength(3);
    await files.remove();
    expect(await keysOf(storage)).toEqual([]);
  });

  it.each(["writing", "publishing"])("of a process killed while %s are not seen, and found by the sweeper", async (when) => {
    const options = place();
    const storage = openStorage(options);
    const files = new JobFiles(storage, newJobId());
    const child = spawn(process.execPath, [publisher, JSON.stringify(options), files.id, when], { stdio: ["pipe", "pipe", "inherit"] });
    await said(child, when);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    expect(await files.outputs()).toBeNull();
    // What is on a machine of its own while it is written is nowhere else yet.
    if (when === "publishing" || storage.pathOf) expect(await orphans(files)).toHaveLength(2);

    expect(await files.publishOutputs((folder) => writeFile(path.join(folder, "a.txt"), "second"))).toBe(true);
    expect(await text(await files.openOutput("a.txt"))).toBe("second");
    expect(await orphans(files)).toEqual([]);
    expect(await keysOf(storage)).toHaveLength(2);
  });
}

/** Outputs that no manifest names. */
async function orphans(files: JobFiles): Promise<string[]> {
  const run = (await files.manifest())?.run;
  return (await keysOf(files.storage, `${files.id}/outputs`)).filter((key) => !key.startsWith(`${files.id}/outputs/${run}/`));
}

async function said(child: ChildProcess, word: string): Promise<void> {
  if (!child.stdout) throw new Error("no output");
  for await (const line of createInterface(child.stdout)) if (line === word) return;
  throw new Error("the publisher ended before its time");
}
