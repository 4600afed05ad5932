import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/root.mjs";
import { blocksOf, pages, textOf } from "./pages.ts";

/** What `lovage NAME --help` says, from the generated page. */
const help = new Map(
  textOf("docs/reference/cli.md")
    .split(/^## lovage /m)
    .slice(1)
    .map((section) => [section.split("\n", 1)[0] ?? "", section] as const),
);

const inline = (page: string) => [...textOf(page).matchAll(/`((?:npx )?lovage [^`\n]+)`/g)].map(([, code = ""]) => code);

const lines = pages.flatMap((page) =>
  [...blocksOf(page, "sh"), ...blocksOf(page, "text"), ...inline(page)].flatMap((block) =>
    [...block.matchAll(/\blovage ([a-z]+(?:-[a-z]+)*)((?: [^\n#]*)?)/g)].map(([line, name = "", rest = ""]) => ({
      page,
      line,
      name,
      rest,
    })),
  ),
);

describe("command lines in the documentation", () => {
  it("are many", () => expect(lines.length).toBeGreaterThan(20));

  it.each(lines.filter(({ line }) => !line.startsWith("lovage help")))("$page: $line", ({ name, rest }) => {
    const section = help.get(name);
    expect(section, `the command ${name}`).toBeDefined();
    const [words = ""] = rest.replace(/'[^']*'/g, "x").split(" | "); // what reads its output has flags of its own
    for (const [flag] of words.matchAll(/(?<=\s)--?[a-zA-Z][\w-]*/g))
      expect(section).toMatch(new RegExp(`^ +(-\\w, )?${flag}[ ,\\n]`, "m"));
  });
});

describe("links in the documentation", () => {
  const links = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target = ""]) => ({ page, target })),
  );
  it.each(links)("$page → $target", ({ page, target }) => {
    expect(existsSync(join(root, dirname(page), target))).toBe(true);
  });
});
