/**
 * The terminal while a screen is on it: its other page, no cursor, keys as they are pressed. It is given back however this process
 * ends, but for SIGKILL.
 */
import type { Line, Size, Style } from "./render.ts";

const codes: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  inverse: "7",
  red: "31",
  green: "32",
  yellow: "33",
  magenta: "35",
};
const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";

export class Terminal {
  readonly #shown: string[] = [];
  readonly #leave = () => this.close();
  #open = false;

  get size(): Size {
    return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
  }

  /** @param pressed hears `up`, `enter`, `ctrl-c`, …, or the character. */
  open(pressed: (key: string) => void, resized: () => void): void {
    this.#open = true;
    process.stdout.write(enter);
    process.stdin.setRawMode(true).setEncoding("utf8").resume();
    process.stdin.on("data", (data: string) => keysOf(data).forEach(pressed));
    process.stdout.on("resize", () => {
      this.#shown.length = 0;
      process.stdout.write("\u001b[2J");
      resized();
    });
    // Of an uncaught error too, before Node writes what it was: that would vanish with the other page.
    process.once("exit", this.#leave);
  }

  /** Writes the lines that have changed. */
  draw(lines: readonly Line[]): void {
    const painted = lines.map((line) => line.map(paint).join(""));
    const changed = painted.flatMap((text, row) => (text === this.#shown[row] ? [] : [`\u001b[${row + 1};1H${text}\u001b[K`]));
    this.#shown.splice(0, Number.POSITIVE_INFINITY, ...painted);
    if (changed.length > 0) process.stdout.write(changed.join(""));
  }

  /** Twice: fine. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.stdout.write(leave);
    process.stdin.setRawMode(false).pause();
    process.off("exit", this.#leave);
  }
}

const isColour = (code: string): boolean => code.length === 2;

function paint({ text, style }: Line[number]): string {
  const code = codes[style];
  return code === "" || (isColour(code) && process.env.NO_COLOR) ? text : `\u001b[${code}m${text}\u001b[0m`;
}

const named: Readonly<Record<string, string>> = {
  "\u0003": "ctrl-c",
  "\r": "enter",
  "\n": "enter",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u001b": "escape",
  "\u001b[A": "up",
  "\u001bOA": "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  "\u001b[5~": "pageup",
  "\u001b[6~": "pagedown",
  "\u001b[H": "home",
  "\u001b[F": "end",
};

/** Keys that are not known are left out. */
export function keysOf(data: string): readonly string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are such
  const parts = data.match(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[\s\S]/gu) ?? [];
  return parts.flatMap((part) => named[part] ?? (part.length === 1 && part >= " " ? [part] : []));
}
