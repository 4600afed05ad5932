/** What an agent is asked for: a JSON file of its client. Nothing in it is believed. */
export interface Mission {
  readonly topic: string;
  /** Where to begin. */
  readonly urls: readonly string[];
  /** How many further pages it may follow links to. */
  readonly follow: number;
  readonly sentences: number;
}

export class MissionError extends Error {
  readonly code = "MISSION_INVALID";
}

const mostUrls = 50;

/** @throws {MissionError} naming each mistake */
export function parseMission(text: string): Mission {
  const said = asObject(text);
  const { topic, urls, follow = 3, sentences = 5 } = said;
  const isList = Array.isArray(urls) && urls.length > 0 && urls.length <= mostUrls;
  const mistakes = [
    ...(typeof topic === "string" && topic.trim() !== "" && topic.length <= 500 ? [] : ["topic is 1 to 500 characters"]),
    ...(isList && urls.every(isWebAddress) ? [] : [`urls is a list of 1 to ${mostUrls} addresses that begin with http: or https:`]),
    ...(isWhole(follow, 0, 20) ? [] : ["follow is a whole number from 0 to 20"]),
    ...(isWhole(sentences, 1, 30) ? [] : ["sentences is a whole number from 1 to 30"]),
  ];
  if (mistakes.length > 0) throw new MissionError(`The mission is not usable: ${mistakes.join("; ")}.`);
  const distinct = new Set((urls as string[]).map(plainAddress));
  return { topic: topic as string, urls: [...distinct], follow: follow as number, sentences: sentences as number };
}

/** The same page under one name: without its fragment. */
export function plainAddress(address: string): string {
  const url = new URL(address);
  url.hash = "";
  return url.href;
}

function asObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new MissionError("The mission is no JSON object.");
}

const isWebAddress = (value: unknown): boolean =>
  typeof value === "string" && URL.canParse(value) && ["http:", "https:"].includes(new URL(value).protocol);
const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
