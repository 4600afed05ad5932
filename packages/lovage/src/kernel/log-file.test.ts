import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openLogFile } from "./log-file.ts";

const folder = mkdtempSync(join(tmpdir(), "lovage-log-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("appends, and goes on in a new file when somebody has moved or removed the old one", () => {
  let now = 0;
  const path = join(folder, "node.log");
  const write = openLogFile(path, () => now);
  const other = openLogFile(path, () => now);
  write("one\n");
  other("two\n");
  renameSync(path, `${path}.1`);
  write("three\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\nthree\n");
  now = 1000;
  write("four\n");
  other("five\n");
  expect(readFileSync(path, "utf8")).toBe("four\nfive\n");
  rmSync(path);
  now = 2000;
  write("six\n");
  expect(readFileSync(path, "utf8")).toBe("six\n");
  expect(() => openLogFile(join(folder, "no", "node.log"))).toThrow(/Cannot log to .*no such file.*-f/s);
});
