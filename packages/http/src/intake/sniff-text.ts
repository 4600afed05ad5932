/**
 * What kind of text a file begins with: markup and scripts first, since those are not to pass for harmless text, then JSON
 * and tables. Text is valid UTF-8 without control characters; UTF-16, Latin-1 and the rest are no text here.
 */
import type { SniffedType } from "./sniff-bytes.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
export const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
/** Of what begins with `<`; a letter that mentions a tag is no page. */
const markup: readonly (readonly [RegExp, SniffedType])[] = [
  [/<svg[\s>]/i, { type: "image/svg+xml", extension: "svg" }],
  [
    /<(!doctype\s+html|html|head|body|script|iframe|img|object|embed|link|meta|style|table|form|div|a)[\s>/]/i,
    { type: "text/html", extension: "html" },
  ],
  [/^<[?!a-z]/i, { type: "text/xml", extension: "xml" }],
];
const script: SniffedType = { type: "text/x-script", extension: "txt" };

/** Undefined: no text. @param whole whether `head` is all of the file. */
export function sniffText(head: Uint8Array, whole: boolean): SniffedType | undefined {
  const text = decode(head, whole);
  if (text === undefined || text === "" || controlCharacter.test(text)) return undefined;
  const start = text.trimStart();
  if (start.startsWith("#!")) return script;
  const found = start.startsWith("<") ? markup.find(([pattern]) => pattern.test(start)) : undefined;
  if (found) return found[1];
  if (isJson(start, whole)) return { type: "application/json", extension: "json" };
  if (isTable(text, whole)) return { type: "text/csv", extension: "csv" };
  return { type: "text/plain", extension: "txt" };
}

function decode(head: Uint8Array, whole: boolean): string | undefined {
  try {
    // A character may be cut in two at the end of the head; not at the end of the file.
    return new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: !whole });
  } catch {
    return undefined;
  }
}

/** Of a file that is longer than what we see only an object or a list is believed, as far as it goes. */
function isJson(text: string, whole: boolean): boolean {
  if (whole) {
    try {
      return /^[[{]/.test(text) && typeof JSON.parse(text) === "object";
    } catch {
      return false;
    }
  }
  return /^(\{\s*(?:"|\})|\[\s*(?:["{[\]\d-]|true|false|null))/.test(text) && openJson(text);
}

/** Brackets close what they opened; strings and words between them are JSON's. What is cut off at the end is let off. */
function openJson(text: string): boolean {
  const token = /\s+|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|[[\]{},:]/y;
  const open: string[] = [];
  while (token.lastIndex < text.length) {
    const from = token.lastIndex;
    const found = token.exec(text)?.[0];
    if (found === undefined) return /^("(?:[^"\\\n]|\\.?)*|[-\d.eE+]*|[a-z]{1,4})$/.test(text.slice(from));
    if (found === "{" || found === "[") open.push(found);
    if (found === "}" && open.pop() !== "{") return false;
    if (found === "]" && open.pop() !== "[") return false;
    if (open.length === 0 && /[}\]]/.test(found)) return text.slice(token.lastIndex).trim() === "";
  }
  return true;
}

/** At least two rows, each with the same number of cells, two or more, by one of the usual separators. */
function isTable(text: string, whole: boolean): boolean {
  // What stands in quotes is one cell, with whatever separators and line ends it holds.
  const lines = text.replace(/"(?:[^"]|"")*"/g, "").split(/\r\n|\n|\r/);
  // The last is either empty or cut off.
  if (!whole || lines.at(-1) === "") lines.pop();
  if (lines.length < 2) return false;
  return [",", ";", "\t"].some((separator) => {
    const cells = lines.map((line) => line.split(separator).length);
    return (cells[0] ?? 0) > 1 && cells.every((count) => count === cells[0]);
  });
}
