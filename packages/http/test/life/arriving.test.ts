import { once } from "node:events";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { dirname, join } from "node:path";
import { newJobId, openStorage, type StorageSpec, serveJobs } from "@lovage/http";
import { startRedis } from "lovage/testing";
import { afterEach, describe, expect, it } from "vitest";
import { picture } from "../service.ts";
import { keysOf } from "../storage/conformance.ts";
import { S3Service } from "../storage/s3.ts";
import { Place } from "./place.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const hour = 3_600_000;
const long = picture(14_000_000);
const head = (name: string) =>
  `--line\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: image/png\r\n\r\n`;

/** A client that sends a small file and most of a long one: two parts of an S3 upload, and then waits. */
async function begin(url: string): Promise<ClientRequest> {
  const upload = request(`${url}/upload`, { method: "POST", headers: { "content-type": "multipart/form-data; boundary=line" } });
  upload.write(head("first.png"));
  upload.write(picture(1000));
  upload.write(`\r\n${head("second.png")}`);
  upload.write(long.subarray(0, 12_000_000));
  // A test that fails cuts it.
  upload.on("error", () => undefined);
  return upload;
}

async function end(upload: ClientRequest): Promise<{ readonly status: number | undefined; readonly body: string }> {
  upload.write(long.subarray(12_000_000));
  upload.end("\r\n--line--\r\n");
  const [response] = (await once(upload, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: Buffer.concat(await response.toArray()).toString() };
}

describe.each(["a folder", "S3"])("an upload that still arrives in %s", (where) => {
  it("is left alone by the sweeps of other services, however old its files are", async () => {
    const upload = { accept: ["image/png"], maxBytes: 20_000_000, maxFiles: 2 };
    const place = await Place.open("sqlite", { pipeline: { upload } });
    closing.push(() => place.close());
    const s3 = where === "S3" ? await S3Service.start() : undefined;
    if (s3) closing.push(() => s3.stop());
    const storage: StorageSpec = s3 ? s3.storage("arriving") : place.storage;
    const { app, pipeline } = place;
    const serving = await serveJobs({ app, pipeline, storage, sweepEveryMs: null, port: 0 });
    closing.push(() => serving.close());
    const later = place.another({ storage, clock: { now: () => Date.now() + 2 * hour } });
    closing.push(() => later.close());

    const sent = await begin(serving.url);
    closing.push(async () => sent.destroy());
    const stored = openStorage(storage);
    const unfinished = async () => {
      const keys: string[] = [];
      await stored.removeUnfinished(Date.now() + hour, async (key) => keys.push(key) > 0);
      return keys.some((key) => /\/input\/[^/]/.test(key));
    };
    // The first file is there, the second one arrives.
    await expect.poll(async () => (await keysOf(stored)).length).toBe(1);
    await expect.poll(unfinished).toBe(true);
    const [first = ""] = await keysOf(stored);
    const id = dirname(dirname(first));
    const marked = async () => (await (await app.state()).read([`arriving/${id}`]))[0] !== undefined;
    await expect.poll(marked).toBe(true);

    expect(await later.sweep()).toMatchObject({ orphans: 0 });
    expect(await end(sent)).toMatchObject({ status: 202, body: expect.stringContaining(id) });
    expect(await keysOf(stored)).toEqual([`${id}/input/0000.png`, `${id}/input/0001.png`]);
    await expect.poll(marked).toBe(false);
    expect(await later.sweep()).toMatchObject({ orphans: 0 });
  });
});

describe("files of no record", () => {
  async function orphan(place: Place): Promise<string> {
    const id = newJobId();
    const file = join(place.storage, id, "input", "0000.png");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, "left");
    await utimes(file, 0, 0);
    return id;
  }

  it("stay while their upload may wait for the state store, and go once it is known that none does", async () => {
    const place = await Place.open("memory");
    closing.push(() => place.close());
    const [spooled, left] = [await orphan(place), await orphan(place)];
    await mkdir(join(place.storage, "spooled"));
    await writeFile(join(place.storage, "spooled", `${spooled}.json`), JSON.stringify({ id: spooled }));
    expect(await place.service.sweep()).toMatchObject({ orphans: 1 });
    expect(await readdir(place.storage)).not.toContain(left);
    expect(await readdir(place.storage)).toContain(spooled);
  });

  it.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("stay while the state store is away, whose marks nobody can read", async () => {
    const state = await startRedis({ appendOnly: true });
    closing.push(() => state.stop());
    const place = await Place.open("memory", { app: { state: state.url, deadlineMs: 500 } });
    closing.push(() => place.close());
    const id = await orphan(place);
    await state.down();
    await expect(place.service.sweep()).rejects.toThrow();
    expect(await readdir(place.storage)).toEqual([id]);
  });
});
