import { expect, it } from "vitest";
import { parseMission } from "./mission.ts";

it("a mission names each page once, and has numbers where it gives none", () => {
  const mission = parseMission(JSON.stringify({ topic: "tides", urls: ["http://a.example/#x", "http://a.example/", "https://b.example"] }));
  expect(mission).toEqual({ topic: "tides", urls: ["http://a.example/", "https://b.example/"], follow: 3, sentences: 5 });
});

it.each([
  ["no JSON", "{", "no JSON object"],
  ["a list", "[]", "topic is 1 to 500 characters; urls is a list"],
  ["files", '{"topic":"t","urls":["file:///etc/passwd"]}', "addresses that begin with http: or https:"],
  ["too many pages", JSON.stringify({ topic: "t", urls: Array(51).fill("http://a.example/") }), "1 to 50 addresses"],
  [
    "numbers out of bounds",
    '{"topic":"t","urls":["http://a.example/"],"follow":-1,"sentences":0.5}',
    "follow is a whole number from 0 to 20; sentences is",
  ],
])("%s is no mission", (_, text, problem) => {
  expect(() => parseMission(text)).toThrow(expect.objectContaining({ code: "MISSION_INVALID", message: expect.stringContaining(problem) }));
});
