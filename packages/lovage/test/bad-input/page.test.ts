import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), "utf8");
const page = textOf("docs/reference/bad-input.md");
const found = (text: string, expression: RegExp) => new Set([...text.matchAll(expression)].map(([, what = ""]) => what));

describe("the table of bad input", () => {
  it("names tests that are there", () => {
    const links = found(page, /\]\(([^)#]+)(?:#[^)]*)?\)/g);
    expect(links.size).toBeGreaterThan(15);
    for (const link of links) expect(existsSync(join(root, "docs/reference", link)), link).toBe(true);
  });

  it("names every test of its folder", () => {
    const tests = readdirSync(join(root, "packages/lovage/test/bad-input")).filter((name) => name.endsWith(".test.ts"));
    for (const name of tests.filter((each) => each !== "page.test.ts")) expect(page).toContain(`bad-input/${name}`);
  });

  it("names codes that there are", () => {
    const known =
      textOf("docs/reference/errors.md") + textOf("docs/guide/job-service.md") + textOf("examples/photo-stock/src/vision/photo-error.ts");
    const elsewhere = new Set(["PHOTO_NOT_FOUND"]); // of the demo itself
    const codes = found(page, /`((?:LOVAGE|UPLOAD|JOB|STORAGE|BROKER|PHOTO)_[A-Z_]+)`/g);
    expect(codes.size).toBeGreaterThan(25);
    for (const code of codes) expect(known.includes(code) || elsewhere.has(code), code).toBe(true);
  });
});
