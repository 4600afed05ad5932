import { randomBytes } from "node:crypto";
import { lstat, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromBuffer } from "yauzl";
import { archiveResponse } from "./job-archive.ts";
import { JobFiles, newJobId } from "./job-files.ts";
import { newEncryptionKey } from "./storage/encryption-keys.ts";
import type { JobStorage } from "./storage/job-storage.ts";
import { openStorage } from "./storage/open-storage.ts";

let root: string;
let storage: JobStorage;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lovage-archive-"));
  storage = openStorage(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const lines = "one line of many\n".repeat(20_000);
async function published(): Promise<JobFiles> {
  const files = new JobFiles(storage, newJobId());
  await files.publishOutputs(async (folder) => {
    await mkdir(path.join(folder, "deep"));
    for (const name of ["b.txt", "a.txt", "deep/späte.png"]) await writeFile(path.join(folder, name), lines);
  });
  return files;
}

const get = (files: JobFiles, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
  archiveResponse(files, new Request("http://localhost/", { method, headers }));
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

function unzip(bytes: Buffer): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error);
      const found: Record<string, string> = {};
      zip.once("end", () => resolve(found));
      zip.on("entry", (entry) => {
        zip.openReadStream(entry, async (failed, stream) => {
          if (failed) return reject(failed);
          found[entry.fileName] = await text(stream);
          zip.readEntry();
        });
      });
      zip.readEntry();
    });
  });
}

describe("the zip of a job's outputs", () => {
  it("holds them all, and is the same for the same outputs, in any time zone", async () => {
    const [one, two] = [await published(), await published()];
    const zone = process.env.TZ;
    const first = await bytesOf(await get(one));
    expect(await unzip(first)).toEqual({ "a.txt": lines, "b.txt": lines, "deep/späte.png": lines });
    try {
      process.env.TZ = "Asia/Kathmandu";
      expect((await bytesOf(await get(two))).equals(first)).toBe(true);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it("goes on where it broke off, as long as it is the same", async () => {
    const files = await published();
    const whole = await get(files);
    const etag = whole.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[^"]+"$/);
    expect(whole.headers.get("content-disposition")).toContain(`filename="${files.id}.zip"`);
    const bytes = await bytesOf(whole);
    const rest = await get(files, { range: "bytes=1000-", "if-range": etag });
    expect(rest.status).toBe(206);
    expect(rest.headers.get("content-range")).toBe(`bytes 1000-${bytes.length - 1}/${bytes.length}`);
    expect(Buffer.concat([bytes.subarray(0, 1000), await bytesOf(rest)]).equals(bytes)).toBe(true);
    const changed = await get(files, { range: "bytes=1000-", "if-range": '"another"' });
    expect([changed.status, (await bytesOf(changed)).length]).toEqual([200, bytes.length]);
    expect((await get(files, { "if-none-match": `"x", W/${etag}` })).status).toBe(304);
    await expect(get(files, { range: `bytes=${bytes.length}-` })).rejects.toMatchObject({ status: 416 });
    const head = await get(files, { range: "bytes=0-0" }, "HEAD");
    expect([head.status, head.body, head.headers.get("content-length")]).toEqual([200, null, String(bytes.length)]);
  });

  it("is made once for all who ask at the same time", async () => {
    const files = await published();
    let puts = 0;
    const put = storage.put.bind(storage);
    storage.put = (...args) => {
      puts += 1;
      return put(...args);
    };
    const answers = await Promise.all(Array.from({ length: 5 }, () => get(files).then(bytesOf)));
    expect(puts).toBe(1);
    for (const answer of answers) expect(answer.equals(answers[0] ?? Buffer.alloc(0))).toBe(true);
  });

  it("of which an output is gone is an error, and nothing is kept of it", async () => {
    const files = await published();
    const run = (await files.manifest())?.run;
    await storage.remove(`${files.id}/outputs/${run}/b.txt`);
    await expect(get(files)).rejects.toMatchObject({ code: "STORAGE_OBJECT_MISSING" });
    expect(await storage.stat(`${files.id}/archive/${run}.zip`)).toBeUndefined();
    expect(await storage.removeUnfinished(Date.now() + 60_000)).toBe(0);
  });

  async function expectNothingKept(files: JobFiles): Promise<void> {
    expect(await storage.stat(`${files.id}/archive/${(await files.manifest())?.run}.zip`)).toBeUndefined();
    expect(await storage.removeUnfinished(Date.now() + 60_000)).toBe(0);
  }

  it("of which an output breaks off while it is read is an error, keeps nothing, and is made when asked for again", async () => {
    const files = await published();
    const read = storage.read.bind(storage);
    let broken = false;
    storage.read = async (key, range) => {
      if (broken || !key.endsWith("b.txt")) return read(key, range);
      broken = true;
      return Readable.from(breaking(lines.slice(0, 1000)));
    };
    await expect(get(files)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await expectNothingKept(files);
    expect(Object.keys(await unzip(await bytesOf(await get(files))))).toHaveLength(3);
  });

  it("of which an encrypted output was changed is an error each time, and made when it is whole again", async () => {
    storage = openStorage({ url: root, encryption: newEncryptionKey("test") });
    const files = new JobFiles(storage, newJobId());
    await files.publishOutputs((folder) => writeFile(path.join(folder, "big.bin"), randomBytes(300_000)));
    const stored = path.join(root, files.id, "outputs", (await files.manifest())?.run ?? "", "big.bin");
    const bytes = await readFile(stored);
    const flip = async () => {
      bytes.writeUInt8(bytes.readUInt8(200_000) ^ 1, 200_000);
      await writeFile(stored, bytes);
    };
    await flip();
    for (let time = 0; time < 2; time += 1) await expect(get(files)).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
    await expectNothingKept(files);
    await flip();
    expect((await get(files)).status).toBe(200);
  });

  it("of which an output was shortened is an error", async () => {
    const files = await published();
    await truncate(path.join(root, files.id, "outputs", (await files.manifest())?.run ?? "", "b.txt"), 1000);
    await expect(get(files)).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
    await expectNothingKept(files);
  });

  it.each([
    ["in the clear", undefined],
    ["encrypted", newEncryptionKey("test")],
  ])("that was cut off since it was stored is made anew (%s)", async (_how, encryption) => {
    storage = openStorage(encryption === undefined ? root : { url: root, encryption });
    const files = await published();
    const whole = await bytesOf(await get(files));
    const stored = path.join(root, files.id, "archive", `${(await files.manifest())?.run}.zip`);
    for (const bytes of [whole.length - 1, 500, 10, 0]) {
      await truncate(stored, bytes);
      expect((await bytesOf(await get(files))).equals(whole)).toBe(true);
    }
    const { ino } = await lstat(stored);
    await get(files, {}, "HEAD");
    expect((await lstat(stored)).ino).toBe(ino);
  });

  it("lets go of what it reads when it can't be stored", async () => {
    const files = new JobFiles(storage, newJobId());
    await files.publishOutputs((folder) => writeFile(path.join(folder, "big.png"), randomBytes(3_000_000)));
    const read = storage.read.bind(storage);
    const opened: Readable[] = [];
    storage.read = async (key, range) => {
      const stream = Readable.from(await read(key, range));
      if (key.includes("/outputs/")) opened.push(stream);
      return stream;
    };
    storage.put = async (_key, body) => {
      for await (const _ of body as Readable) throw new Error("no room");
      return false;
    };
    await expect(get(files)).rejects.toThrow("no room");
    await expect.poll(() => opened.map(({ destroyed }) => destroyed)).toEqual([true]);
  });
});

async function* breaking(start: string): AsyncGenerator<Buffer> {
  yield Buffer.from(start);
  throw new Error("read ECONNRESET");
}
