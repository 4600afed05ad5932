import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RawEntry, rawZip } from "../../test/hostile/raw-zip.ts";
import { gunzipTo } from "./gunzip-to.ts";
import { listZip, unpackZip, type ZipLimits } from "./unpack-zip.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lovage-zip-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const text = (words: string) => Buffer.from(words);
const limits: ZipLimits = { maxBytes: 5_000_000 };
const sharing = (count: number): readonly RawEntry[] =>
  Array.from({ length: count }, (_, i) => ({ name: `s${i}`, data: text("abc"), sharesWith: 0 }));

async function unpack(zip: Buffer, how: ZipLimits = limits) {
  const source = path.join(root, "in.zip");
  await writeFile(source, zip);
  return unpackZip(source, path.join(root, "out"), how);
}

describe("unpackZip", () => {
  it("unpacks files and folders, in order, with their sizes", async () => {
    const files = await unpack(
      rawZip([
        { name: "b.txt", data: text("two") },
        { name: "series/", stored: true, mode: 0o040755 },
        { name: "series/slice 1.dcm", data: Buffer.alloc(300_000, "abc") },
        { name: "ä.txt", data: text("ä"), stored: true },
        { name: "empty", data: text("") },
      ]),
    );
    expect(files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ["b.txt", 3],
      ["series/slice 1.dcm", 300_000],
      ["ä.txt", 2],
      ["empty", 0],
    ]);
    expect(await readFile(files[1]?.path ?? "")).toEqual(Buffer.alloc(300_000, "abc"));
  });

  const bomb = Buffer.alloc(4_000_000);
  it.each<[what: string, code: string, zip: Buffer, how?: ZipLimits]>([
    ["a name that climbs out", "ZIP_NAME_UNSAFE", rawZip([{ name: "../../etc/passwd", data: text("x") }])],
    ["a name that climbs out further in", "ZIP_NAME_UNSAFE", rawZip([{ name: "a/b/../../../x", data: text("x") }])],
    ["an absolute name", "ZIP_NAME_UNSAFE", rawZip([{ name: "/etc/passwd", data: text("x") }])],
    ["a drive's letter", "ZIP_NAME_UNSAFE", rawZip([{ name: "C:/x", data: text("x") }])],
    ["a stream of a file", "ZIP_NAME_UNSAFE", rawZip([{ name: "a.txt:hidden", data: text("x") }])],
    ["a backslash", "ZIP_NAME_UNSAFE", rawZip([{ name: "..\\x", data: text("x") }])],
    ["a NUL in a name", "ZIP_NAME_UNSAFE", rawZip([{ name: "a\0b", data: text("x") }])],
    ["an empty segment", "ZIP_NAME_UNSAFE", rawZip([{ name: "a//b", data: text("x") }])],
    ["a dot as a segment", "ZIP_NAME_UNSAFE", rawZip([{ name: "./b", data: text("x") }])],
    ["folders too deep", "ZIP_NAME_UNSAFE", rawZip([{ name: "a/b/c/d", data: text("x") }]), { ...limits, maxDepth: 2 }],
    ["a link", "ZIP_NAME_UNSAFE", rawZip([{ name: "link", data: text("/etc/passwd"), mode: 0o120777 }])],
    ["a device", "ZIP_NAME_UNSAFE", rawZip([{ name: "null", data: text(""), mode: 0o020666 }])],
    ["one name twice", "ZIP_NAME_TWICE", rawZip([{ name: "a" }, { name: "a" }])],
    ["one name in two cases", "ZIP_NAME_TWICE", rawZip([{ name: "A.txt" }, { name: "a.TXT" }])],
    ["one name in two spellings", "ZIP_NAME_TWICE", rawZip([{ name: "\u00e4" }, { name: "a\u0308" }])],
    ["a file that is a folder too", "ZIP_NAME_TWICE", rawZip([{ name: "a" }, { name: "a/b" }])],
    [
      "too many entries",
      "ZIP_TOO_MANY_FILES",
      rawZip(Array.from({ length: 30 }, (_, i) => ({ name: `${i}` }))),
      { ...limits, maxEntries: 29 },
    ],
    ["too much", "ZIP_TOO_LARGE", rawZip([{ name: "a", data: Buffer.alloc(6_000_000, "random enough? no") }])],
    ["too much together", "ZIP_TOO_LARGE", rawZip([0, 1, 2].map((i) => ({ name: `${i}`, data: text("12345") }))), { maxBytes: 14 }],
    ["one file too large", "ZIP_TOO_LARGE", rawZip([{ name: "a", data: text("12345") }]), { ...limits, maxFileBytes: 4 }],
    ["a thousand times its size", "ZIP_BOMB", rawZip([{ name: "a", data: bomb }])],
    ["more than it says of itself", "ZIP_BROKEN", rawZip([{ name: "a", data: bomb, unpackedBytes: 10 }])],
    ["less than it says of itself", "ZIP_BROKEN", rawZip([{ name: "a", data: text("abc"), unpackedBytes: 10 }])],
    ["files that share their bytes", "ZIP_BOMB", rawZip([{ name: "a", data: text("abc") }, ...sharing(20)])],
    ["a zip in a zip", "ZIP_NESTED", rawZip([{ name: "a.zip", data: rawZip([{ name: "b" }]) }])],
    [
      "a zip in a zip by another name",
      "ZIP_NESTED",
      rawZip([{ name: "a.dat", data: rawZip([{ name: "b", data: text("x") }]), stored: true }]),
    ],
    ["a wrong checksum", "ZIP_BROKEN", rawZip([{ name: "a", data: text("abc"), checksum: 7 }])],
    ["a password", "ZIP_ENCRYPTED", rawZip([{ name: "a", data: text("abc"), flags: 0x801 }])],
    ["half of it", "ZIP_BROKEN", rawZip([{ name: "a", data: text("abc") }]).subarray(0, 40)],
    ["nothing", "ZIP_BROKEN", Buffer.alloc(0)],
    ["a directory that lies elsewhere", "ZIP_BROKEN", Buffer.concat([text("junk"), rawZip([{ name: "a", data: text("abc") }])])],
  ])("refuses %s with %s and leaves nothing", async (_what, code, zip, how) => {
    await expect(unpack(zip, how)).rejects.toMatchObject({ name: "ArchiveError", code });
    expect(await readdir(root)).toEqual(["in.zip"]);
  });

  it("lists what an archive says of itself, under the same limits", async () => {
    const source = path.join(root, "in.zip");
    await writeFile(source, rawZip([{ name: "a/b", data: text("abc") }]));
    expect(await listZip(source, limits)).toEqual([{ name: "a/b", bytes: 3 }]);
    await expect(listZip(source, { maxBytes: 2 })).rejects.toMatchObject({ code: "ZIP_TOO_LARGE" });
  });

  it("touches no folder that is there already", async () => {
    await writeFile(path.join(root, "out"), "mine");
    await expect(unpack(rawZip([{ name: "a" }]))).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readFile(path.join(root, "out"), "utf8")).toBe("mine");
  });
});

describe("gunzipTo", () => {
  it.each<[what: string, expected: number | string, gzip: Buffer]>([
    ["what fits", 1000, gzipSync(Buffer.alloc(1000, 1))],
    ["two members in one file", 6, Buffer.concat([gzipSync("one"), gzipSync("two")])],
    ["a bomb", "GZIP_TOO_LARGE", gzipSync(Buffer.alloc(3_000_000))],
    ["a bomb in its second member", "GZIP_TOO_LARGE", Buffer.concat([gzipSync("one"), gzipSync(Buffer.alloc(3_000_000))])],
    ["half a file", "GZIP_BROKEN", gzipSync(Buffer.from("some words")).subarray(0, 20)],
    ["something else", "GZIP_BROKEN", text("some words")],
  ])("%s: %s", async (_what, expected, gzip) => {
    const [source, target] = [path.join(root, "in.gz"), path.join(root, "out")];
    await writeFile(source, gzip);
    const result = await gunzipTo(source, target, 10_000).catch(({ code }) => code);
    expect(result).toBe(expected);
    expect(await readdir(root)).toEqual(typeof expected === "number" ? ["in.gz", "out"] : ["in.gz"]);
  });

  it("leaves what was there, and nothing that was not, where there is no source", async () => {
    const [source, mine, target] = [path.join(root, "none.gz"), path.join(root, "mine"), path.join(root, "out")];
    await writeFile(mine, "mine");
    for (let i = 0; i < 20; i += 1) {
      await expect(gunzipTo(source, mine, 10)).rejects.toMatchObject({ code: "EEXIST" });
      await expect(gunzipTo(source, target, 10)).rejects.toMatchObject({ code: "ENOENT" });
    }
    expect(await readdir(root)).toEqual(["mine"]);
  });
});
