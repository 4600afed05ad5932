import { describe, expect, it } from "vitest";
import { sentencesOf, wordsOf } from "./sentences.ts";
import { summarise } from "./summarise.ts";

const tide = [
  "The tide in the harbour rises almost four metres twice a day.",
  "Twice a day the harbour tide rises by nearly four metres.",
  "Ships enter the harbour on the rising tide.",
];
const soup = [
  "A good soup begins with onions, carrots and celery.",
  "Onions for the soup are fried slowly in butter.",
  "Serve the onion soup with bread and cheese.",
];
const odd = "The clerk mislaid his umbrella again yesterday.";

describe("a summary", () => {
  it("leans towards its topic, and keeps the order of the texts", () => {
    const texts = [soup.join(" "), tide.join(" "), odd];
    const about = (topic: string) => summarise(texts, { sentences: 2, topic });
    expect(tide).toEqual(expect.arrayContaining([...about("ships and the tide in a harbour")]));
    expect(soup).toEqual(expect.arrayContaining([...about("onion soup")]));
    const chosen = about("onion soup");
    expect([...chosen].sort((a, b) => soup.indexOf(a) - soup.indexOf(b))).toEqual(chosen);
  });

  it("says a thing once, and leaves out what stands alone", () => {
    const chosen = summarise([tide.join(" "), odd], { sentences: 2, topic: "tide in the harbour" });
    expect(chosen).not.toContain(odd);
    expect(chosen.filter((sentence) => /twice a day/i.test(sentence))).toHaveLength(1);
  });

  it("of little is all of it, of nothing is nothing, and of words that nobody shares is something", () => {
    expect(summarise([odd], { sentences: 3 })).toEqual([odd]);
    expect(summarise([], { sentences: 3, topic: "x" })).toEqual([]);
    expect(summarise(["Alpha beta gamma delta. Epsilon zeta theta iota. Kappa lambda omicron sigma."], { sentences: 2 })).toHaveLength(2);
  });

  it("looks at all there is, however late it says something of the topic", () => {
    const long = Array.from({ length: 500 }, (_, i) => `Page ${i} tells of butter, bread and cheese number ${i}.`);
    const [said] = summarise([...long, tide.join(" ")], { sentences: 1, topic: "ships and the tide in a harbour" });
    expect(tide).toContain(said);
  });

  it("is the same every time, and done in seconds for a book", () => {
    const words = wordsOf([...tide, ...soup, odd].join(" "));
    const pick = (i: number, j: number) => words[(i * 7 + j * j + (i >> 3)) % words.length];
    const sentence = (_: unknown, i: number) => `Page ${i} has ${Array.from({ length: 9 }, (_, j) => pick(i, j)).join(" ")}.`;
    const book = Array.from({ length: 3000 }, sentence);
    const [once, twice] = [
      summarise([book.join(" ")], { sentences: 5, topic: "tide" }),
      summarise([book.join(" ")], { sentences: 5, topic: "tide" }),
    ];
    expect(once).toHaveLength(5);
    expect(twice).toEqual(once);
  });
});

it("sentences end where they end, not at every full stop", () => {
  expect(sentencesOf("Version 2.5 costs 3.50 pounds today. It comes with a book! Yes. Is that a good price for it?")).toEqual([
    "Version 2.5 costs 3.50 pounds today.",
  ]);
});
