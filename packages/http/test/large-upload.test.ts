import { describe, expect, it } from "vitest";
import { measureUpload } from "../../../bench/lib/large-upload.mjs";

// `npm run measure:upload` does the same with 5 GB.
describe.skipIf(process.platform !== "linux")("a large upload", () => {
  it.each([
    ["300 MB that says its length", 300, {}],
    ["150 MB in chunks", 150, { chunked: true }],
  ])("of %s takes no memory of the service", async (_what, megabytes, how) => {
    const { grownMiB } = await measureUpload("service", megabytes, how);
    expect(grownMiB).toBeLessThan(64);
  });
});
