import { expect, it } from "vitest";
import { newEncryptionKey } from "./encryption-keys.ts";
import { openStorage } from "./open-storage.ts";

it("opens a storage once, however often a task names it", () => {
  const options = { url: "s3://jobs/all?region=eu-central-1", encryption: newEncryptionKey("one") };
  for (const spec of ["/srv/jobs", "s3://jobs/all?region=eu-central-1", options]) expect(openStorage(spec)).toBe(openStorage(spec));
  expect(openStorage({ ...options })).not.toBe(openStorage(options));
});
