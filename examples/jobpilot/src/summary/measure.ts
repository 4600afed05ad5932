/**
 * How good the summaries are, on texts that every Debian has: the descriptions of its packages, each with a line that somebody
 * wrote to sum it up. Prints the figures of the README: `node examples/jobpilot/dist/summary/measure.js`.
 */
import { readFileSync } from "node:fs";
import { sentencesOf, wordsOf } from "./sentences.ts";
import { summarise } from "./summarise.ts";

interface Description {
  readonly line: string;
  readonly text: string;
}

const distractors = 9;
const random = seeded(7);

const described = descriptions(readFileSync("/var/lib/dpkg/status", "utf8"));
console.log(`${described.length} descriptions of four sentences or more`);
print("One sentence, its words against the line's (ROUGE-1 F)", {
  "summarise()": ({ line, text }) => likeness(summarise([text], { sentences: 1 })[0] ?? "", line),
  "the first": ({ line, text }) => likeness(sentencesOf(text)[0] ?? "", line),
  "any one": ({ line, text }) => likeness(anyOf(sentencesOf(text)), line),
  "the best there is": ({ line, text }) => Math.max(...sentencesOf(text).map((each) => likeness(each, line))),
});
print("Three sentences about the line, out of ten descriptions: how many are of the right one", {
  "summarise()": (wanted) => shareOf(wanted, (texts) => summarise(texts, { sentences: 3, topic: wanted.line })),
  "any three": (wanted) => shareOf(wanted, (texts) => [1, 2, 3].map(() => anyOf(texts.flatMap(sentencesOf)))),
});

function descriptions(status: string): readonly Description[] {
  const found = status.split("\n\n").flatMap((entry) => {
    const [, line = "", body = ""] = /^Description: (.*)\n((?: .*\n?)+)/m.exec(entry) ?? [];
    return { line, text: body.replace(/^ \.$/gm, "\n").replace(/\n /g, " ").trim() };
  });
  return found.filter(({ text }) => sentencesOf(text).length >= 4);
}

function print(title: string, ways: Readonly<Record<string, (each: Description) => number>>): void {
  console.log(title);
  for (const [name, way] of Object.entries(ways)) {
    const sum = described.reduce((total, each) => total + way(each), 0);
    console.log(`  ${name.padEnd(18)} ${(sum / described.length).toFixed(2)}`);
  }
}

function likeness(summary: string, line: string): number {
  const [said, wanted] = [new Set(wordsOf(summary)), new Set(wordsOf(line))];
  const both = [...said].filter((each) => wanted.has(each)).length;
  return both === 0 ? 0 : (2 * both) / (said.size + wanted.size);
}

function shareOf(wanted: Description, choose: (texts: readonly string[]) => readonly string[]): number {
  const others = Array.from({ length: distractors }, () => anyOf(described).text);
  const right = new Set(sentencesOf(wanted.text));
  const chosen = choose([wanted.text, ...others].sort());
  return chosen.filter((each) => right.has(each)).length / chosen.length;
}

function anyOf<T>(some: readonly T[]): T {
  return some[Math.floor(random() * some.length)] as T;
}

/** The same numbers every time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
