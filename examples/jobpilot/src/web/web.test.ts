import { describe, expect, it } from "vitest";
import { decode } from "./fetch-page.ts";
import { readPage } from "./read-page.ts";
import { allows, parseRobots } from "./robots.ts";

describe("robots.txt", () => {
  const text = `
# of RFC 9309
User-agent: other
User-agent: jobpilot
Disallow: /a
Allow: /a/b # but this
Disallow: /*.pdf$
Allow: /same
Disallow: /same

User-agent: *
Disallow: /
`;
  it.each([
    ["/", true],
    ["/a", false],
    ["/about", false],
    ["/a/b/c", true],
    ["/x/y.pdf", false],
    ["/x/y.pdf.html", true],
    ["/same", true],
  ])("lets us read %s: %s", (path, may) => expect(allows(parseRobots(text, "jobpilot"), path)).toBe(may));

  it("says for all what it does not say for us; an empty rule, and no rule, allow all", () => {
    expect(allows(parseRobots(text, "somebody"), "/a/b")).toBe(false);
    expect(allows(parseRobots("User-agent: *\nDisallow:\n", "jobpilot"), "/a")).toBe(true);
    expect(allows(parseRobots("<html>not found</html>", "jobpilot"), "/a")).toBe(true);
  });

  it("is of those whom it names before its rules, each of them", () => {
    const robots = parseRobots(
      "User-agent: JobPilot\nUser-agent: *\nCrawl-delay: 3\nDisallow: /x\nUser-agent: *\nDisallow: /y\n",
      "jobpilot",
    );
    expect(["/x", "/y"].map((path) => allows(robots, path))).toEqual([false, true]);
    expect(allows(parseRobots("User-agent: jobpilot\nUser-agent: other\nDisallow:\nUser-agent: *\nDisallow: /\n", "jobpilot"), "/a")).toBe(
      true,
    );
  });

  it("takes a pattern of many stars in no time", () => {
    const robots = parseRobots(`User-agent: *\nDisallow: ${"/*a".repeat(500)}$`, "jobpilot");
    const started = performance.now();
    expect(allows(robots, "/a".repeat(5000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("the bytes of a page", () => {
  const latin = Buffer.from("<p>caf\u00e9</p>", "latin1");
  it.each([
    ["what its header says", latin, "text/html; charset=ISO-8859-1"],
    ["what it says itself", Buffer.concat([Buffer.from('<meta charset="latin1">'), latin]), "text/html"],
    ["no UTF-8, although it is said to be", latin, "text/html; charset=utf-8"],
    ["UTF-8, although it is said to be what nobody knows", Buffer.from("<p>caf\u00e9</p>"), "text/html; charset=x-klingon"],
    ["UTF-8 where nothing is said", Buffer.from("<p>caf\u00e9</p>"), "text/html"],
  ])("are read as %s", (_, bytes, type) => expect(decode(bytes, type)).toContain("<p>caf\u00e9</p>"));
});

it("a page is read without what stands around it, and its links are whole", () => {
  const html = `<title> A\n page </title><nav><p>one two three four five</p></nav><script>x("<p>no no no no no</p>")</script>
    <p>Six words stand in this paragraph.</p><p>too short</p>
    <a href="/b?x=1#c">B</a> <a href="https://e.example/">E</a> <a href="javascript:x()">J</a> <a href="http://[">bad</a>`;
  const page = readPage("http://a.example/dir/", html);
  expect(page).toMatchObject({ title: "A page", paragraphs: ["Six words stand in this paragraph."] });
  expect(page?.links.map(({ url }) => url)).toEqual(["http://a.example/b?x=1", "https://e.example/", "javascript:x()"]);
});

it.each(["<div>", '<a href="/x">y', "<p>one two three four five "])("a page of hardly anything but %s is none, and no error", (tag) => {
  for (const times of [9000, 150_000]) readPage("http://a.example/", `${tag.repeat(times)}<p>Six words stand in this paragraph.`);
  expect(readPage("http://a.example/", tag.repeat(150_000))).toBeUndefined();
});
