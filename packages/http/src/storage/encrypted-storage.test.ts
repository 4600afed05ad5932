import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newEncryptionKey } from "./encryption-keys.ts";
import type { JobStorage } from "./job-storage.ts";
import { openStorage } from "./open-storage.ts";

const header = 64;
const chunk = 64 * 1024;
const sealed = chunk + 16;

let root: string;
const [key, other] = [newEncryptionKey("2026"), newEncryptionKey("2027")];
const open = (...keys: readonly string[]): JobStorage => openStorage({ url: root, encryption: keys.join(", ") });
const stored = (name: string) => path.join(root, name);

beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lovage-encrypted-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Three chunks and a bit, changed on disk; what is then read, whole and in a range of the first chunk. */
async function changed(change: (bytes: Buffer) => Buffer | Promise<Buffer>): Promise<readonly PromiseSettledResult<Buffer>[]> {
  const storage = open(key);
  await storage.put("a", randomBytes(3 * chunk + 100));
  await storage.put("b", randomBytes(3 * chunk + 100));
  await writeFile(stored("a"), await change(await readFile(stored("a"))));
  const read = async (range?: { start: number; end: number }) => buffer(await storage.read("a", range));
  return Promise.allSettled([read(), read({ start: 3 * chunk, end: 3 * chunk + 50 })]);
}

describe("an encrypted storage", () => {
  it("shows nothing of what it holds", async () => {
    const content = Buffer.from("patient 4711 ".repeat(10_000));
    await open(key).put("job/input", content);
    const bytes = await readFile(stored("job/input"));
    expect(bytes.includes("patient")).toBe(false);
    await open(key).put("job/again", content);
    expect((await readFile(stored("job/again"))).subarray(header, header + 1000)).not.toEqual(bytes.subarray(header, header + 1000));
  });

  it.each<[string, (bytes: Buffer) => Buffer | Promise<Buffer>]>([
    [
      "a changed byte",
      (bytes) => Buffer.concat([bytes.subarray(0, -20), Buffer.from([bytes.readUInt8(bytes.length - 20) ^ 1]), bytes.subarray(-19)]),
    ],
    ["an end that is gone", (bytes) => bytes.subarray(0, -1)],
    ["whole chunks that are gone from the end", (bytes) => bytes.subarray(0, header + 2 * sealed)],
    ["all but its header gone", (bytes) => bytes.subarray(0, header)],
    ["something at its end", (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    [
      "a chunk that is gone from the middle",
      (bytes) => Buffer.concat([bytes.subarray(0, header + sealed), bytes.subarray(header + 2 * sealed)]),
    ],
    ["another object in its place", () => readFile(stored("b"))],
    [
      "another object's chunks below its header",
      async (bytes) => Buffer.concat([bytes.subarray(0, header), (await readFile(stored("b"))).subarray(header)]),
    ],
    ["another salt", (bytes) => Buffer.concat([bytes.subarray(0, 32), randomBytes(32), bytes.subarray(64)])],
    ["something that is not encrypted", () => randomBytes(1000)],
    ["nothing", () => Buffer.alloc(0)],
  ])("refuses an object with %s", async (_what, change) => {
    for (const outcome of await changed(change)) {
      if (outcome.status === "fulfilled") expect(outcome.value.length, "given of what is gone").toBe(0);
      else expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^STORAGE_(DAMAGED|KEY_UNKNOWN)$/) });
    }
    expect((await changed(change))[0]?.status).toBe("rejected");
  });

  it("notices two chunks that changed places", async () => {
    const swap = (bytes: Buffer) => {
      const at = (i: number) => bytes.subarray(header + i * sealed, header + (i + 1) * sealed);
      return Buffer.concat([bytes.subarray(0, header), at(1), at(0), bytes.subarray(header + 2 * sealed)]);
    };
    const [whole, range] = await changed(swap);
    expect(whole).toMatchObject({ status: "rejected", reason: { code: "STORAGE_DAMAGED" } });
    // It lies in chunks that did not change.
    expect(range).toMatchObject({ status: "fulfilled" });
  });

  it("says which key it lacks, and knows a wrong one under the same name", async () => {
    await open(key).put("a", Buffer.from("x"));
    await expect(open(other).read("a")).rejects.toMatchObject({ code: "STORAGE_KEY_UNKNOWN", message: expect.stringContaining('"2026"') });
    await expect(open(newEncryptionKey("2026")).read("a")).rejects.toMatchObject({ code: "STORAGE_KEY_UNKNOWN" });
  });

  it("reads with old keys and writes with the first", async () => {
    await open(key).put("old", Buffer.from("old"));
    const both = open(other, key);
    await both.put("new", Buffer.from("new"));
    expect([await buffer(await both.read("old")), await buffer(await both.read("new"))].map(String)).toEqual(["old", "new"]);
    expect(String(await buffer(await open(other).read("new")))).toBe("new");
    await expect(open(key).read("new")).rejects.toMatchObject({ code: "STORAGE_KEY_UNKNOWN" });
  });

  it.each([
    ["", /id of number 1/],
    ["a:c2hvcnQ=", /"a" has 5 bytes/],
    [`${newEncryptionKey("a")},${newEncryptionKey("a")}`, /same id/],
    [newEncryptionKey("a name that is too long"), /id of number 1/],
  ])("refuses the keys %j without showing them", (keys, problem) => {
    expect(() => openStorage({ url: root, encryption: keys })).toThrow(problem);
  });

  it("does not write in the clear because a variable is missing", () => {
    expect(() => openStorage({ url: root, encryption: undefined })).toThrow(/keys of the storage/);
  });
});
