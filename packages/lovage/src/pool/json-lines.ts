/** JSON, one value per line, over a pipe whose other end is this same version of Lovage. */
import type { Readable } from "node:stream";

export function readLines(from: Readable, take: (value: unknown) => void): void {
  let rest = "";
  from.setEncoding("utf8");
  from.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line));
  });
}
