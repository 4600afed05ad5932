import { expect, test } from "vitest";
import { lockProblems, problemsIn } from "../../scripts/package-lock.mjs";
import { root } from "../../scripts/root.mjs";

const lock = (packages: Record<string, object>) => ({ packages: { "": { version: "1.0.0" }, ...packages } });

test("this repository's lock has no problem", () => {
  expect(problemsIn(root)).toEqual([]);
});

test("a lock without packages is a problem, not a pass", () => {
  expect(lockProblems({ packages: { "": {} } }, [])).toHaveLength(1);
  expect(lockProblems({}, [])).toHaveLength(1);
});

test("an optional dependency that is not in the lock is named", () => {
  const bad = lock({
    "node_modules/tool": { version: "1.0.0", optionalDependencies: { "tool-linux": "1.0.0", "tool-mac": "1.0.0" } },
    "node_modules/tool-linux": {},
  });
  expect(lockProblems(bad, [])).toEqual([expect.stringMatching(/^node_modules\/tool wants tool-mac /)]);
});

test("an optional dependency is found beside, below and above the package that wants it", () => {
  const wants = (name: string) => ({ optionalDependencies: { [name]: "1.0.0" } });
  const good = lock({
    "node_modules/a": wants("inner"),
    "node_modules/a/node_modules/inner": wants("@scope/outer"),
    "node_modules/@scope/outer": {},
    "packages/mine": wants("own"),
    "packages/mine/node_modules/own": {},
  });
  expect(lockProblems(good, [])).toEqual([]);
});

test("another package's private copy does not count as the optional dependency", () => {
  const bad = lock({ "node_modules/a": { optionalDependencies: { native: "1" } }, "node_modules/b/node_modules/native": {} });
  expect(lockProblems(bad, [])).toHaveLength(1);
});

test("an address is refused, a link to a workspace is not", () => {
  const mixed = lock({
    "node_modules/a": { resolved: "https://registry.example/a.tgz" },
    "node_modules/mine": { resolved: "packages/mine", link: true },
  });
  expect(lockProblems(mixed, [])).toEqual([expect.stringContaining("https://registry.example/a.tgz")]);
});

test("an install script is refused until its package is on the reviewed list", () => {
  const scripted = lock({ "node_modules/a/node_modules/@s/native": { hasInstallScript: true } });
  expect(lockProblems(scripted, ["other"])).toEqual([expect.stringContaining("add @s/native to allowScripts")]);
  expect(lockProblems(scripted, ["@s/native"])).toEqual([]);
});

test("a package that refuses the oldest Node we promise is named with its range", () => {
  const refusing = lock({
    "node_modules/new": { version: "3.0.0", engines: { node: ">=22.12" } },
    "node_modules/old": { engines: { node: "^18 || >=20" } },
  });
  expect(lockProblems(refusing, [])).toEqual([expect.stringMatching(/^node_modules\/new 3\.0\.0 refuses .*>=22\.12/)]);
});

test("an engines range that cannot be read is a problem, not a pass", () => {
  expect(lockProblems(lock({ "node_modules/odd": { engines: { node: "twenty" } } }), [])).toEqual([expect.stringContaining('"twenty"')]);
});
