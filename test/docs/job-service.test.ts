import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/root.mjs";
import { textOf } from "./pages.ts";

const folder = join(root, "packages/http/src");
const source = (name: string) => readFileSync(join(folder, name), "utf8");
const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map(source)
  .join("\n");
const page = textOf("docs/guide/job-service.md");
const sorted = (words: Iterable<string>) => [...new Set(words)].sort();
const first = (text: string, expression: RegExp) => [...text.matchAll(expression)].map(([, found = ""]) => found);

describe("the page of the job service", () => {
  it("has every code, and no others", () => {
    const codes = first(sources, /"((?:JOB|UPLOADS?|REQUEST|ROUTE|RANGE|STORAGE|BROKER)_[A-Z_]+|INTERNAL)"/g);
    const others = first(sources, /"((?:EVENT|KEY|METHOD|NO|ORIGIN|OUTPUT|QUOTA|RATE|SERVICE|STATE|WEBSOCKET)_[A-Z_]+)"/g);
    const documented = page.slice(page.indexOf("## Codes")).matchAll(/^\| (`.*?) \|/gm);
    expect(sorted([...documented].flatMap(([, cell = ""]) => first(cell, /`([A-Z_]+)`/g)))).toEqual(sorted([...codes, ...others]));
  });

  it("has every route, and no others", () => {
    const routes = [...source("routes.ts").matchAll(/method: "(\w+)",\s+path: "([^"]+)"/g)].map(
      ([, verb = "", path]) => `${verb.toUpperCase()} ${path}`,
    );
    expect(sorted(first(page, /^\| `((?:GET|POST|DELETE) [^`]+)` \|/gm))).toEqual(sorted(routes));
  });

  it("has every status, and no others", () => {
    const union = /JobStatus = ([^;]+);/.exec(source("job-view.ts"))?.[1] ?? "";
    const section = page.slice(page.indexOf("## Statuses"), page.indexOf("## Codes"));
    expect(sorted(first(section, /^\| `(\w+)` \| (?!means)/gm)).filter((word) => word !== "status")).toEqual(
      sorted(first(union, /"(\w+)"/g)),
    );
  });
});
