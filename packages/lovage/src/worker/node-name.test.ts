import { expect, it } from "vitest";
import { expandNodeName } from "./node-name.ts";

it.each([
  [undefined, "celery@box.example.org"],
  ["gpu", "gpu@box.example.org"],
  ["gpu@%n", "gpu@box"],
  ["%d@%h", "example.org@box.example.org"],
  ["a%%b@x", "a%b@x"],
])("makes %s into %s", (name, expanded) => {
  expect(expandNodeName(name, "box.example.org")).toBe(expanded);
});
