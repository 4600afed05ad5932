import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/root.mjs";
import { blocksOf, textOf } from "./pages.ts";

const page = "docs/internals/states.md";
const [taskPicture = "", messagePicture = ""] = blocksOf(page, "mermaid");

interface Step {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}
const steps = (picture: string): readonly Step[] =>
  [...picture.matchAll(/^ {2}(\S+) --> (\S+?)(?:: (.*))?$/gm)].map(([, from = "", to = "", label = ""]) => ({ from, to, label }));
const sorted = (words: Iterable<string>) => [...new Set(words)].sort();
const statesIn = (picture: string) => sorted(steps(picture).flatMap(({ from, to }) => [from, to])).filter((state) => state !== "[*]");

/** The text of an exported type, up to the next declaration. */
function declared(file: string, name: string): string {
  const source = readFileSync(join(root, "packages/lovage/src/message", file), "utf8");
  const found = new RegExp(`^export type ${name} =([\\s\\S]*?)^(?=export |/\\*\\*|$)`, "m").exec(source)?.[1];
  if (!found) throw new Error(`${file} has no type ${name}`);
  return found;
}
const words = (text: string) => sorted([...text.matchAll(/"([^"]+)"/g)].map(([, word = ""]) => word));
const kinds = (text: string) => sorted([...text.matchAll(/kind: "([^"]+)"/g)].map(([, word = ""]) => word));
/** The words in backticks of the line that begins so. */
function listed(start: string): readonly string[] {
  const line = textOf(page)
    .split("\n")
    .find((each) => each.startsWith(start));
  return sorted([...(line ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word));
}

describe("the picture of a task's states", () => {
  it("has the states of the code, and no others", () => {
    // Stored are the first; what is seen beside them is on the same page.
    const seen = words(
      /state\(\): Promise<(.*)>/.exec(readFileSync(join(root, "packages/lovage/src/task/async-result.ts"), "utf8"))?.[1] ?? "",
    );
    expect(seen).toEqual(["CANCELLING"]);
    expect(statesIn(taskPicture)).toEqual(sorted([...words(declared("outcome.ts", "TaskState")), ...seen]));
  });

  it("has a step for every kind of outcome, and no others", () => {
    const free = /^(send|Python only|reserved, gate passed|parked until due, then again|)$/;
    const labels = steps(taskPicture).map(({ label }) => label);
    expect(sorted(labels.filter((label) => !free.test(label)))).toEqual(kinds(declared("outcome.ts", "Outcome")));
  });

  it("goes on from all but the ends that the stores keep", () => {
    const source = readFileSync(join(root, "packages/lovage/src/store/end-states.ts"), "utf8");
    const ends = steps(taskPicture).flatMap(({ from, to }) => (to === "[*]" ? [from] : []));
    expect(sorted(ends)).toEqual(words(/new Set\(.*\)/.exec(source)?.[0] ?? ""));
    for (const end of ends) expect(steps(taskPicture).filter(({ from }) => from === end)).toHaveLength(1);
  });

  it("lists every cause of a failure", () => {
    expect(listed("- A failure carries its cause")).toEqual(words(declared("outcome.ts", "FailureCause")));
  });
});

describe("the picture of a message's places", () => {
  it("leaves in_flight by every settlement, and by nothing else", () => {
    const leaving = steps(messagePicture).flatMap(({ from, label }) => (from === "in_flight" ? [label] : []));
    expect(sorted(leaving)).toEqual(kinds(declared("commit.ts", "Settle")));
  });

  it("lists why messages are parked and why they are dead", () => {
    expect(listed("- Why a message is parked")).toEqual(words(declared("commit.ts", "ParkReason")));
    expect(listed("- Why it is a dead letter")).toEqual(words(declared("commit.ts", "DeadReason")));
  });
});
