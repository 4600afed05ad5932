/** What a client takes away besides the annotated pictures: `predictions.json`, and the same as a table in `predictions.csv`. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Prediction } from "./classifier.ts";
import { type Kind, kinds } from "./pictures/paint.ts";

/** A picture that cannot be read is named with the reason, and does not spoil the job for the others. */
export type ImageReport =
  | {
      /** As the client called it. */
      readonly image: string;
      readonly width: number;
      readonly height: number;
      readonly kind: Kind;
      readonly probabilities: Prediction["probabilities"];
      /** Name of the picture with its tiles drawn in. */
      readonly annotated: string;
    }
  | { readonly image: string; readonly error: { readonly code: string; readonly message: string } };

export async function writePredictions(folder: string, images: readonly ImageReport[]): Promise<void> {
  await writeFile(path.join(folder, "predictions.json"), `${JSON.stringify({ images }, null, 2)}\n`);
  const header = ["image", "kind", ...kinds, "width", "height", "error"];
  const rows = images.map((report) =>
    "error" in report
      ? [report.image, "", ...kinds.map(() => ""), "", "", report.error.code]
      : [report.image, report.kind, ...kinds.map((kind) => report.probabilities[kind]), report.width, report.height, ""],
  );
  await writeFile(path.join(folder, "predictions.csv"), [header, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join(""));
}

/** Of a `predictions.json`. */
export const parsePredictions = (json: string): readonly ImageReport[] =>
  (JSON.parse(json) as { readonly images: readonly ImageReport[] }).images;

/** RFC 4180; what a spreadsheet would take for a formula gets a quote before it: file names are strangers' words. */
function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
