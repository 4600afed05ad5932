import { spawnSync } from "node:child_process";
import { asJobError, type JobStorage, openStorage, type StorageOptions } from "@lovage/http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { credentials, S3Service } from "./s3.ts";

let service: S3Service;
beforeAll(async () => {
  service = await S3Service.start();
});
afterAll(() => service?.stop());

const calls: Readonly<Record<string, (storage: JobStorage) => Promise<unknown>>> = {
  put: (storage) => storage.put("a", Buffer.from("x")),
  read: (storage) => storage.read("a"),
  stat: (storage) => storage.stat("a"),
  list: async (storage) => {
    for await (const _ of storage.list("")) break;
  },
  remove: (storage) => storage.remove("a"),
};

/** What each call fails with; and what a client would be told, which names nothing. */
async function expectEach(place: StorageOptions, code: string): Promise<void> {
  for (const [name, call] of Object.entries(calls)) {
    const storage = openStorage(place);
    const error = await call(storage).then(
      () => undefined,
      (failed) => failed,
    );
    expect(error, name).toMatchObject({ name: "StorageError", code });
    const told = asJobError(error);
    expect(told).toMatchObject({ code, status: 503 });
    expect(told.message).not.toMatch(/jobs|127\.0\.0\.1|tester|nowhere/);
    await storage.close();
  }
}

describe("S3 that cannot be used", () => {
  it("because its bucket is not there says so", () => expectEach(service.storage("", "nowhere"), "STORAGE_BUCKET_MISSING"));

  it("because the secret or the key is wrong says so", async () => {
    const place = service.storage("");
    await expectEach({ ...place, credentials: { ...credentials, secretAccessKey: "wrong" } }, "STORAGE_DENIED");
    await expectEach({ ...place, credentials: { ...credentials, accessKeyId: "nobody" } }, "STORAGE_DENIED");
  });

  it("because nobody listens there says so", async () => {
    const other = await S3Service.start();
    const place = other.storage("");
    await other.stop();
    await expectEach(place, "STORAGE_UNAVAILABLE");
  });

  it("because its package is not installed says what to install", () => {
    const hook = `export async function resolve(name, context, next) {
      if (name.startsWith("@aws-sdk/")) throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
      return next(name, context);
    }`;
    const program = `import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hook)}));
      const { openStorage } = await import("@lovage/http");
      openStorage("s3://jobs").stat("a").catch((error) => console.log(error.name, error.code, error.message));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    expect(stdout, stderr).toMatch(/^ConfigError LOVAGE_STORAGE_PACKAGE_MISSING .*npm install @aws-sdk\/client-s3/);
  });

  it.each([
    "s3://",
    "s3://Bad_Bucket",
    "s3://key:secret@jobs",
    "s3://jobs?regoin=x",
    "s3://jobs?endpoint=host",
    "s3://jobs/50%",
    "ftp://x/y",
    "",
  ])("because it is written %j is refused when it is opened", (url) => {
    expect(() => openStorage(url)).toThrow(expect.objectContaining({ code: "LOVAGE_STORAGE_INVALID" }));
    expect(() => openStorage(url)).not.toThrow(/secret/);
  });
});
