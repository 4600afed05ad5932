/** What a setting may be: how a value is checked, and how text from the environment becomes one. */
import { type Duration, parseDurationMs } from "../kernel/durations.ts";
import { isPriority } from "../kernel/priority.ts";
import { type Rate, rateIntervalMs } from "../kernel/rate.ts";
import { knownSchemes, schemeOf } from "./adapters.ts";
import type { TaskRoutes } from "./route-types.ts";

/** A value that will not do; the words go into the one error that names all of them. */
export class Unacceptable {
  readonly expected: string;
  constructor(expected: string) {
    this.expected = expected;
  }
}

/** `Input`: what may be written where the type is checked. */
export interface Kind<T, Input = T> {
  /** For the reference page. */
  readonly says: string;
  accept(value: unknown): T | Unacceptable;
  readonly input?: Input;
  /** From an environment variable or a flag. */
  fromText(text: string): unknown;
}

const kind = <T, Input = T>(
  says: string,
  accept: (value: unknown) => T | undefined,
  fromText: (text: string) => unknown = (text) => text,
): Kind<T, Input> => ({
  says,
  fromText,
  accept: (value) => accept(value) ?? new Unacceptable(says),
});

const numberFromText = (text: string): unknown => (text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
const jsonFromText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
const flags: Readonly<Record<string, boolean>> = {
  true: true,
  "1": true,
  yes: true,
  on: true,
  false: false,
  "0": false,
  no: false,
  off: false,
};
const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const kinds = {
  text: kind("text that is not empty", (value) => (typeof value === "string" && value !== "" ? value : undefined)),
  url: kind(`a URL that begins with ${knownSchemes.map((scheme) => `${scheme}:`).join(", ")}`, (value) =>
    typeof value === "string" && knownSchemes.includes(schemeOf(value)) ? value : undefined,
  ),
  flag: kind(
    "true or false",
    (value) => (typeof value === "boolean" ? value : undefined),
    (text) => flags[text.toLowerCase()] ?? text,
  ),
  whole: (least: number, most: number): Kind<number> =>
    kind(
      `a whole number from ${least} to ${most}`,
      (value) => (Number.isInteger(value) && (value as number) >= least && (value as number) <= most ? (value as number) : undefined),
      numberFromText,
    ),
  seconds: kind<number, Duration>(
    'a number of seconds (≥ 0), or text with a unit such as "30s", "9m", "4h"',
    (value) => {
      const seconds = typeof value === "string" ? (parseDurationMs(value) ?? Number.NaN) / 1000 : value;
      return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
    },
    numberFromText,
  ),
  rate: kind<Rate>(
    'starts per second, or text such as "10/s", "100/m", "5/h"',
    (value) => ((typeof value === "number" || typeof value === "string") && rateIntervalMs(value) !== undefined ? value : undefined),
    numberFromText,
  ),
  list: kind(
    "a list of texts that are not empty",
    (value): readonly string[] | undefined =>
      Array.isArray(value) && value.every((each) => typeof each === "string" && each !== "") ? (value as readonly string[]) : undefined,
    (text) => text.split(",").map((part) => part.trim()),
  ),
  table: kind("an object", (value): Readonly<Record<string, unknown>> | undefined => (isTable(value) ? value : undefined), jsonFromText),
  routes: kind(
    'an object such as { "agent_*": "agents" } or { "agent_*": { queue: "agents", priority: 0 to 9 } }, a function, or a list of these',
    (value): readonly TaskRoutes[] | undefined => {
      const list = Array.isArray(value) ? value : [value];
      return list.every((one) => typeof one === "function" || (isTable(one) && Object.values(one).every(isTarget))) ? list : undefined;
    },
    jsonFromText,
  ) as Kind<readonly TaskRoutes[], TaskRoutes | readonly TaskRoutes[]>,
  oneOf: <const T extends string>(...words: readonly T[]): Kind<T> =>
    kind(words.map((word) => JSON.stringify(word)).join(" or "), (value) => words.find((word) => word === value)),
  nullable: <T, Input>(inner: Kind<T, Input>): Kind<T | null, Input | null> => ({
    says: `${inner.says}; null for none`,
    accept: (value) => (value === null ? null : inner.accept(value)),
    fromText: (text) => (text === "" || text === "null" ? null : inner.fromText(text)),
  }),
};

function isTarget(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  if (!isTable(value) || !Object.keys(value).every((key) => key === "queue" || key === "priority")) return false;
  return value.priority === undefined || isPriority(value.priority);
}

/** task_acks_late → taskAcksLate. */
export const celeryName = (snake: string): string => snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
