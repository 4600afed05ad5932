/** What a client takes away: `report.json`, `report.csv` and `annotated.png`, boxes in pixels of the upright original. */
import { writeFile } from "node:fs/promises";
import path from "node:path";

export interface CountedObject {
  /** [x, y, width, height] */
  readonly box: readonly [number, number, number, number];
  readonly score: number;
}

export interface Report {
  readonly photo: string;
  readonly width: number;
  readonly height: number;
  readonly total: number;
  readonly objects: readonly CountedObject[];
}

export async function writeReport(folder: string, report: Report): Promise<void> {
  await writeFile(path.join(folder, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
  const rows = report.objects.map(({ box, score }) => [...box, score].join(","));
  await writeFile(path.join(folder, "report.csv"), `${["x,y,width,height,score", ...rows].join("\n")}\n`);
}
