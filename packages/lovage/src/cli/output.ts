/** What commands print: tables for people, JSON for machines. Knows nothing of what is in them. */
import { stringifyWireJson } from "../message/json.ts";
import { printable } from "./printable.ts";

export interface Output {
  readonly json: boolean;
  /** How wide help may be. */
  readonly columns: number;
  write(text: string): void;
  error(text: string): void;
}

/** Columns as wide as their widest cell; numbers to the right. */
export function table(headers: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = [headers, ...rows.map((row) => row.map((cell) => (cell === null || cell === "" ? "-" : printable(String(cell)))))];
  const widths = headers.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const numeric = headers.map(
    (_, column) => rows.length > 0 && rows.every((row) => row[column] === null || typeof row[column] === "number"),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return cells.map(line).join("\n");
}

/** Names and what they are, one per line. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}

/** One JSON document per command, or what people read: names and texts of others may stand in every line of it. */
export function print(output: Output, data: unknown, text: () => string): void {
  output.write(output.json ? asJson(data) : text().split("\n").map(printable).join("\n"));
}

/** As it would go over the wire: results may hold dates, bytes and integers that plain JSON has no room for. */
export const asJson = (value: unknown): string => stringifyWireJson(value);
