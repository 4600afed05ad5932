/** Words of a command line to the arguments that travel. */
import { UsageError } from "../../kernel/errors.ts";
import { numberOf, wholeOf } from "../flags.ts";
import { jsonOrText } from "../json-or-text.ts";
import { type Method, signatureOf, type Word } from "./methods.ts";

type Arguments = Readonly<Record<string, unknown>>;

/** @throws {UsageError} for a word that is missing, too much, or not what it has to be. */
export function argumentsOf(name: string, method: Method | undefined, given: readonly string[], pairs: readonly string[]): Arguments {
  const named = Object.fromEntries(pairs.map(pairOf));
  if (method === undefined) {
    if (given.length > 0) throw usage(`${name} is none of Celery's methods: give it its arguments by name, as in --arg ${given[0]}=1.`);
    return named;
  }
  const { words = [], rest } = method;
  const left = given.slice(words.length);
  if (left.length > 0 && rest === undefined) throw usage(`It takes ${signatureOf(name, method)}: "${left[0]}" is too much.`);
  const read = words.slice(0, given.length).map((word, i) => [word.name, readWord(word, given[i] ?? "")] as const);
  const all = {
    ...Object.fromEntries(read),
    ...(rest !== undefined && left.length > 0 && { [rest.name]: restOf(rest.name, left) }),
    ...named,
  };
  const missing = [...words, ...(rest ? [rest] : [])].find((word) => word.required && !(word.name in all));
  if (missing !== undefined) throw usage(`It takes ${signatureOf(name, method)}: ${missing.name} is missing.`);
  return all;
}

function readWord({ name, kind }: Word, given: string): unknown {
  if (kind === "number") return numberOf(name, given);
  if (kind === "whole") return wholeOf(name, given, 0);
  if (kind === "text") return given;
  const yes = ["1", "true", "yes", "y", "on"].includes(given.toLowerCase());
  if (!yes && !["0", "false", "no", "n", "off"].includes(given.toLowerCase())) throw usage(`${name} takes true or false, got "${given}".`);
  return yes;
}

/** Stamps go as an object, since `name=value` twice means either; and 7 may have been stamped as a number or as text. */
function restOf(name: string, left: readonly string[]): unknown {
  if (name !== "headers") return left;
  const stamps: Record<string, unknown[]> = {};
  for (const each of left) {
    const [stamp, value] = pairOf(each);
    const text = each.slice(stamp.length + 1);
    stamps[stamp] = [...(stamps[stamp] ?? []), ...(value === text ? [text] : [text, value])];
  }
  return stamps;
}

function pairOf(text: string): readonly [string, unknown] {
  const [, name = "", value = ""] = /^([^=]+)=([\s\S]*)$/.exec(text) ?? [];
  if (name === "") throw usage(`An argument is name=value, its value JSON or text; got "${text}".`);
  return [name, jsonOrText(value)];
}

const usage = (text: string): UsageError => new UsageError("LOVAGE_USAGE", text);
