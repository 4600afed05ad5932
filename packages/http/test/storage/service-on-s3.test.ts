import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openStorage } from "@lovage/http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { picture, TestService } from "../service.ts";
import { keysOf } from "./conformance.ts";
import { credentials, S3Service } from "./s3.ts";

const appModule = fileURLToPath(new URL("../fixtures/plain-app.mjs", import.meta.url));

let folder: string;
let s3: S3Service;
let service: TestService;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "lovage-on-s3-"));
  s3 = await S3Service.start();
  // As a deployment says it: one URL, and credentials where the SDK looks for them.
  process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
  process.env.HTTP_TEST_STORAGE = String(s3.storage("all/jobs").url);
  process.env.LOVAGE_BROKER = `sqlite:${path.join(folder, "lovage.db")}`;
  service = await TestService.start(appModule, { worker: true });
});
afterAll(async () => {
  await service?.close();
  await s3?.stop();
  await rm(folder, { recursive: true, force: true });
});

it("a job's files go into the bucket, come out as a zip in ranges, and are gone when it is deleted", async () => {
  const storage = openStorage(s3.storage("all/jobs"));
  const id = await service.submit(picture(7_000_000));
  expect(await service.ended(id)).toMatchObject({ status: "complete", outputs: ["hash.txt"] });
  expect(await keysOf(storage)).toEqual([
    `${id}/input/0000.png`,
    `${id}/outputs.json`,
    expect.stringMatching(new RegExp(`^${id}/outputs/\\w+/hash.txt$`)),
  ]);
  const download = (headers: Readonly<Record<string, string>> = {}) => fetch(`${service.serving.url}/download/${id}`, { headers });
  const whole = Buffer.from(await (await download()).arrayBuffer());
  const part = await download({ range: "bytes=10-" });
  expect([part.status, Buffer.from(await part.arrayBuffer()).equals(whole.subarray(10))]).toEqual([206, true]);
  await fetch(`${service.serving.url}/jobs/${id}`, { method: "DELETE" });
  expect(await keysOf(storage)).toEqual([]);
});
